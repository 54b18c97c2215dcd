package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/cmd/stackc/lanes"
	"github.com/stackc/stackc/cmd/stackc/review"
)

// probe is put at the end of a page under test. It looks at what a reader would
// see, presses keys, and writes what it found into the document, which the browser
// then prints. Console errors are gathered from the first moment on.
const probe = `<script>
(function(){
var out={errors:window.__errors,boxes:0,overflow:[],overlap:[],outside:[]};
[].forEach.call(document.querySelectorAll("svg.ln"),function(svg){
 var holder=svg.parentElement,was=holder.hidden;holder.hidden=false;
 var list=[].map.call(svg.querySelectorAll(".box"),function(g){
  var rects=g.querySelectorAll("rect"),r=rects[rects.length-1].getBoundingClientRect(),t=g.querySelector("text").getBoundingClientRect();
  out.boxes++;
  if(t.left<r.left||t.right>r.right||t.top<r.top||t.bottom>r.bottom)out.overflow.push(g.id);
  return {id:g.id,r:r};
 });
 var s=svg.getBoundingClientRect();
 list.forEach(function(a,i){
  if(a.r.left<s.left||a.r.right>s.right||a.r.bottom>s.bottom)out.outside.push(a.id);
  list.slice(i+1).forEach(function(b){if(a.r.left<b.r.right&&b.r.left<a.r.right&&a.r.top<b.r.bottom&&b.r.top<a.r.bottom)out.overlap.push(a.id+" "+b.id)})});
 holder.hidden=was;
});
function rgb(c){return c.match(/[0-9.]+/g).slice(0,3).map(Number)}
function lum(c){var v=rgb(c).map(function(x){x/=255;return x<=.03928?x/12.92:Math.pow((x+.055)/1.055,2.4)});return .2126*v[0]+.7152*v[1]+.0722*v[2]}
function contrast(a,b){a=lum(a);b=lum(b);return (Math.max(a,b)+.05)/(Math.min(a,b)+.05)}
var body=getComputedStyle(document.body);
out.dark=lum(body.backgroundColor)<.2;
out.contrast=contrast(body.color,body.backgroundColor);
out.weak=[];
[].forEach.call(document.querySelectorAll(".box"),function(g){var c=contrast(getComputedStyle(g.querySelector("text")).fill,getComputedStyle(g.querySelector("rect:last-of-type")).fill);if(c<4.5)out.weak.push(g.id+" "+c)});
[].forEach.call(document.querySelectorAll(".add,.del,.chg,.fate"),function(e){var s=getComputedStyle(e),c=contrast(s.color,s.backgroundColor);if(c<4.5)out.weak.push(e.className+" "+c)});
function key(k,to){(to||document.activeElement||document.body).dispatchEvent(new KeyboardEvent("keydown",{key:k,bubbles:true,cancelable:true}))}
var all=[].slice.call(document.querySelectorAll("details.unit"));
if(all.length){
 key("j",document.body);out.first=document.activeElement.parentElement.id;
 key("j");out.second=document.activeElement.parentElement.id;
 key("k");out.back=document.activeElement.parentElement.id;
 key("o");out.opened=all[0].open;key("o");
 key("a");out.allOpen=all.every(function(d){return d.open});
 document.activeElement.blur();key("g",document.body);
 out.shown=[].filter.call(document.querySelectorAll(".scroll"),function(d){return !d.hidden}).map(function(d){return d.id}).join();
 key("g",document.body);
 key("/",document.body);out.filtering=document.activeElement.id;
 document.activeElement.value=all[0].dataset.name;document.activeElement.dispatchEvent(new Event("input"));
 out.left=all.filter(function(d){return !d.hidden}).length;
}
var box=[].filter.call(document.querySelectorAll(".box"),function(b){return b.getClientRects().length})[0];
if(box){box.focus();box.dispatchEvent(new FocusEvent("focus"));out.lit=box.classList.contains("hot")&&box.ownerSVGElement.classList.contains("dim")}
out.wide=document.documentElement.scrollWidth>document.documentElement.clientWidth;
var p=document.createElement("pre");p.id="probe";p.textContent=JSON.stringify(out);document.body.appendChild(p);
})();
</script></body>`

const listen = `<script>window.__errors=[];window.addEventListener("error",function(e){__errors.push(String(e.message||e.target.src))},true);
window.addEventListener("securitypolicyviolation",function(e){__errors.push("policy: "+e.violatedDirective)});
["error","warn"].forEach(function(k){console[k]=function(){__errors.push([].join.call(arguments," "))}});</script>`

// seen is what the probe found.
type seen struct {
	Errors, Overflow, Overlap, Outside, Weak []string
	Boxes, Left                              int
	Contrast                                 float64
	Dark, Opened, AllOpen, Lit, Wide         bool
	First, Second, Back, Shown, Filtering    string
}

// browse opens a page in headless Chromium and returns what the probe found.
func browse(t *testing.T, page string, dark bool) seen {
	t.Helper()
	page = strings.Replace(page, "<head>", "<head>"+listen, 1)
	page = strings.Replace(page, "</body>", probe, 1)
	file := filepath.Join(t.TempDir(), "page.html")
	write(t, file, page)
	out := chromium(t, file, dark, "--dump-dom")
	m := regexp.MustCompile(`(?s)<pre id="probe">(.*?)</pre>`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("the page's script did not come to its end:\n%.2000s", out)
	}
	var s seen
	if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// chromium runs the browser on a file. It runs as root in tests, for which it must
// give up its sandbox; the pages are our own.
func chromium(t *testing.T, file string, dark bool, args ...string) []byte {
	t.Helper()
	scheme := "1"
	if dark {
		scheme = "0"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args = append(args, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--window-size=1400,1000",
		"--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+scheme, "file://"+file)
	cmd := exec.CommandContext(ctx, "chromium", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, errs.String())
	}
	return out
}

// fine complains of what no page may have.
func (s seen) fine(t *testing.T, boxes int) {
	t.Helper()
	for what, list := range map[string][]string{"console errors": s.Errors, "texts that leave their boxes": s.Overflow, "boxes that overlap": s.Overlap,
		"boxes outside of the drawing": s.Outside, "weak contrast": s.Weak} {
		if len(list) > 0 {
			t.Errorf("%s: %q", what, list)
		}
	}
	if s.Boxes < boxes {
		t.Errorf("%d boxes, want %d", s.Boxes, boxes)
	}
	if s.Contrast < 7 {
		t.Errorf("contrast of the text is %.1f", s.Contrast)
	}
	if s.Wide {
		t.Error("the page is wider than the window")
	}
	if !s.Lit {
		t.Error("a box that has the focus does not show what it leads to")
	}
}

// manyUnits is a stack of n units in three roles that wait for each other.
func manyUnits(n int, v string) string {
	var b strings.Builder
	b.WriteString("stack = \"big\"\nallow = [\"no-restart\", \"unused-dependency\"]\n[roles]\n")
	for i, role := range []string{"control", "worker", "monitor"} {
		fmt.Fprintf(&b, "%s = { metadata = \"role=%s\", address = \"10.0.0.%d\" }\n", role, role, i+1)
	}
	for i := range n {
		after := ""
		if i > 2 {
			after = fmt.Sprintf("after = [\"service-with-a-name-%d\"]\n", i*i%(i/2+1))
		}
		command := fmt.Sprintf("/bin/x%d", i)
		if i%7 == 0 {
			command += " --v=" + v
		}
		fmt.Fprintf(&b, "[unit.service-with-a-name-%d]\nrole = \"%s\"\nport = %d\nready = { tcp = true }\n%s[unit.service-with-a-name-%[1]d.Service]\nExecStart = \"%[5]s\"\n",
			i, []string{"control", "worker", "monitor"}[i%3], 8000+i, after, command)
	}
	return b.String()
}

// TestPages opens reviews and drawings of 10, 60 and 200 units in a browser, light
// and dark, and uses their keys.
func TestPages(t *testing.T) {
	for _, n := range []int{10, 60, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := readChange(t, &txtar.Archive{Files: []txtar.File{{Name: "old.toml", Data: []byte(manyUnits(n, "1"))}, {Name: "new.toml", Data: []byte(manyUnits(n, "2"))}}})
			page := review.HTML(c.report, c.old.Set, c.new.Set)
			if m := regexp.MustCompile(`(?i)(src|href)="(?:https?:)?//|@import|url\(http`).FindString(page); m != "" {
				t.Errorf("the page asks the network: %s", m)
			}
			for _, dark := range []bool{false, true} {
				s := browse(t, page, dark)
				s.fine(t, 2*n)
				if s.Dark != dark {
					t.Errorf("dark is %v, want %v", s.Dark, dark)
				}
				units := c.report.Units
				first, second := "u-"+string(units[0].Unit), "u-"+string(units[1].Unit)
				if s.First != first || s.Second != second || s.Back != first || !s.Opened || !s.AllOpen {
					t.Errorf("keys j j k o a: %q %q %q %v %v, want %q and %q", s.First, s.Second, s.Back, s.Opened, s.AllOpen, first, second)
				}
				if s.Shown != "box-before" || s.Filtering != "filter" || s.Left != 1 {
					t.Errorf("keys g and /: %q %q, %d units left", s.Shown, s.Filtering, s.Left)
				}
			}
			browse(t, review.GraphPage(lanes.New(c.new.Set, lanes.Options{Title: "big"})), true).fine(t, n)
		})
	}
}

// TestSVGAlone opens a drawing without a page around it: the browser must take it
// for a picture of the size that it says.
func TestSVGAlone(t *testing.T) {
	c := readChange(t, &txtar.Archive{Files: []txtar.File{{Name: "old.toml", Data: []byte(manyUnits(60, "1"))}, {Name: "new.toml", Data: []byte(manyUnits(60, "2"))}}})
	picture := lanes.SVG(lanes.New(c.new.Set, lanes.Options{Title: "big"}), "graph")
	file := filepath.Join(t.TempDir(), "graph.svg")
	write(t, file, picture)
	shot := filepath.Join(t.TempDir(), "graph.png")
	chromium(t, file, true, "--screenshot="+shot)
	info, err := os.Stat(shot)
	if err != nil || info.Size() < 20_000 {
		t.Errorf("the picture is %v, %v", info, err)
	}
	page := "<!DOCTYPE html><html><head></head><body><div>" + picture + "</div></body></html>"
	s := browse(t, page, false)
	if len(s.Errors)+len(s.Overflow)+len(s.Overlap)+len(s.Outside) > 0 || s.Boxes != 60 {
		t.Errorf("%+v", s)
	}
}
