package emit

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// serviceSection writes [Service]: what must come before the program, then what the file says.
func (w *writer) serviceSection() {
	pre := w.preparations()
	if len(pre) > 0 {
		w.refuseReset("ExecStartPre")
	}
	w.environmentFiles()
	if len(pre) > 0 && !w.limitsStart() {
		w.line("Service", "TimeoutStartSec", "0", w.origin(pre[0].origin.Pos, pre[0].origin.key, "waiters and downloads take the time they need"))
	}
	for _, p := range pre {
		w.line("Service", "ExecStartPre", units.ShellCommand(p.script), p.origin)
		if p.wait.Subject != "" {
			w.waits = append(w.waits, p.wait)
		}
	}
	w.raw(w.unit.Section("Service"))
	w.madeService()
}

// environmentFiles writes the files of env, and those of announced units that this one
// reads.
func (w *writer) environmentFiles() {
	announced := w.t.Reads(w.node)
	if len(w.unit.Env) > 0 || len(announced) > 0 {
		w.refuseReset("EnvironmentFile")
	}
	for _, v := range w.unit.Env {
		file := units.EscapeSpecifiers(w.expand(v.File, "env."+v.Name))
		if !w.says("Service", "EnvironmentFile", "-"+file) {
			w.line("Service", "EnvironmentFile", "-"+file, w.origin(v.Pos, "env."+v.Name, "optional, as a mandatory file is read before any waiter could wait for it"))
		}
	}
	w.announcedFiles(announced)
}

// refuseReset reports an empty value, which takes away what stands before it
// (systemd.service(5)), the compiler's own lines too.
func (w *writer) refuseReset(name string) {
	d := w.unit.Directive("Service", name)
	if d == nil {
		return
	}
	for _, v := range d.Values {
		if v.Given() && strings.TrimSpace(v.Source()) == "" {
			w.add(stack.Finding(diag.Error, diag.BadValue, v.Pos, w.path("Service."+name), "an empty %s= takes away what the compiler puts there for this unit's own words", name).
				WithHelp("leave the empty value out"))
		}
	}
}

// limitsStart reports whether the file says itself how long a start may take.
func (w *writer) limitsStart() bool {
	return w.unit.Directive("Service", "TimeoutStartSec") != nil || w.unit.Directive("Service", "TimeoutSec") != nil
}

// refuseWaiters reports words that need an ExecStartPre in a unit that has none.
func (w *writer) refuseWaiters() {
	refuse := func(pos stack.Pos, key string) {
		w.add(stack.Finding(diag.Error, diag.NoWaiter, pos, w.path(key), "a %s cannot wait or prepare anything: only a service has ExecStartPre", w.name.Type()).
			WithHelp("say it in the service that this unit starts"))
	}
	for i, edge := range w.node.Edges {
		if !edge.Local || edge.To.Ready() != nil {
			refuse(edge.Word.Pos, fmt.Sprintf("after[%d]", i))
		}
	}
	for _, d := range w.unit.Downloads {
		refuse(d.Pos, "download")
	}
	for _, p := range w.unit.Puts {
		refuse(p.Pos, "etcd_put")
	}
	for _, v := range w.unit.Env {
		refuse(v.Pos, "env")
	}
}
