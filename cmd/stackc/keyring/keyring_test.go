package keyring_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/stackc/keyring"
	"github.com/stackc/stackc/compiler/pki"
)

var birth = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// counter is a source of numbers that are the same in each run.
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

func plan() *pki.Plan {
	return &pki.Plan{
		Stack: "shop/k8s", Server: "https://10.0.0.1:6443", ServiceAccounts: true,
		Certificates: []pki.Certificate{
			{Name: "admin", Identity: pki.Identity{User: "admin", Groups: []string{pki.Masters}}, Client: true, Kubeconfig: true},
			{Name: "apiserver", Identity: pki.Identity{User: "kube-apiserver"}, Server: true, DNS: []string{"kubernetes"}, IP: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}},
		},
		Tokens: []pki.Identity{{User: "admin", Groups: []string{pki.Masters, "ops"}}},
		Files:  []pki.File{{Machine: "m", Path: "/srv/ca.crt", Name: pki.CACert}},
	}
}

// folder is one with a CA, at the time of its making.
func folder(t *testing.T) *keyring.Folder {
	t.Helper()
	f := &keyring.Folder{Dir: filepath.Join(t.TempDir(), "keys"), Plan: plan(), Now: birth, Random: &counter{}}
	if _, err := f.Init(3650); err != nil {
		t.Fatal(err)
	}
	return f
}

func issued(t *testing.T) *keyring.Folder {
	t.Helper()
	f := folder(t)
	if _, err := f.Issue(365); err != nil {
		t.Fatal(err)
	}
	return f
}

// contents are all files of a folder.
func contents(t *testing.T, f *keyring.Folder) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(f.Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// changed are the files that are other ones.
func changed(before, after map[string]string) []string {
	var list []string
	for name, text := range after {
		if before[name] != text {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// statuses are those that are not ok, by file.
func statuses(t *testing.T, f *keyring.Folder, within time.Duration) string {
	t.Helper()
	state, err := f.State(within)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range state {
		if e.Status != keyring.OK {
			list = append(list, fmt.Sprintf("%s %s", e.Name, e.Status))
		}
	}
	return strings.Join(list, ", ")
}

const month = 30 * 24 * time.Hour

func TestModes(t *testing.T) {
	f := issued(t)
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %#o, want %#o", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := contents(t, f)[".gitignore"]; text != "*\n" {
		t.Errorf(".gitignore is %q", text)
	}
	if err := os.Chmod(filepath.Join(f.Dir, "admin.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if got := statuses(t, f, month); got != "admin.key open" {
		t.Errorf("of a key that others read: %s", got)
	}
	if err := os.Chmod(f.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() error{
		"state": func() error { _, err := f.State(month); return err },
		"issue": func() error { _, err := f.Issue(1); return err },
		"init":  func() error { _, err := f.Init(1); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "open to others") {
			t.Errorf("%s of an open folder: %v", what, err)
		}
	}
}

// TestCertificates reads what was made as a server and its clients do.
func TestCertificates(t *testing.T) {
	f := issued(t)
	files := contents(t, f)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(files["ca.crt"])) {
		t.Fatal("no CA")
	}
	parse := func(name string) *x509.Certificate {
		block, _ := pem.Decode([]byte(files[name]))
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	verify := func(name string, at time.Time, usage x509.ExtKeyUsage, host string) error {
		_, err := parse(name).Verify(x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage}, DNSName: host})
		return err
	}
	const server, client = x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for _, host := range []string{"kubernetes", "10.0.0.1", "fd00::1"} {
		if err := verify("apiserver.crt", birth, server, host); err != nil {
			t.Errorf("the apiserver as %s: %v", host, err)
		}
	}
	if err := verify("apiserver.crt", birth, server, "10.0.0.2"); err == nil {
		t.Error("the apiserver may be called as it is not")
	}
	if err := verify("apiserver.crt", birth, client, ""); err == nil {
		t.Error("the server's certificate serves a client")
	}
	if err := verify("admin.crt", birth, client, ""); err != nil {
		t.Error(err)
	}
	for at, good := range map[time.Duration]bool{-59 * time.Minute: true, -61 * time.Minute: false, 365*24*time.Hour - time.Minute: true, 365*24*time.Hour + time.Minute: false} {
		if err := verify("admin.crt", birth.Add(at), client, ""); (err == nil) != good {
			t.Errorf("%s after its making: %v", at, err)
		}
	}
	admin := parse("admin.crt")
	if admin.Subject.CommonName != "admin" || !slices.Equal(admin.Subject.Organization, []string{pki.Masters}) {
		t.Errorf("the subject is %s", admin.Subject)
	}
	if _, ok := admin.PublicKey.(*ecdsa.PublicKey); !ok || admin.SerialNumber.Sign() <= 0 {
		t.Errorf("key %T, serial %s", admin.PublicKey, admin.SerialNumber)
	}
	if admin.SerialNumber.Cmp(parse("apiserver.crt").SerialNumber) == 0 {
		t.Error("two certificates have one serial number")
	}
}

// TestPasswords: the table of passwords is one of its own, with other secrets.
func TestPasswords(t *testing.T) {
	f := folder(t)
	f.Plan.Passwords = []pki.Identity{{User: "admin", Groups: []string{pki.Masters}}}
	made, err := f.Issue(365)
	if err != nil || !slices.Contains(made, pki.Passwords) {
		t.Fatalf("made %q: %v", made, err)
	}
	files := contents(t, f)
	password, rest, _ := strings.Cut(files[pki.Passwords], ",")
	if len(password) != 32 || rest != "admin,admin,system:masters\n" || strings.Contains(files[pki.Tokens], password) {
		t.Errorf("the table is %q", rest)
	}
	if again, err := f.Issue(365); err != nil || len(again) > 0 {
		t.Errorf("made again: %q, %v", again, err)
	}
	if info, err := os.Stat(filepath.Join(f.Dir, pki.Passwords)); err != nil || info.Mode().Perm() != pki.Mode {
		t.Errorf("its mode is %v (%v)", info.Mode(), err)
	}
	f.Plan.Passwords = append(f.Plan.Passwords, pki.Identity{User: "ops"})
	if got := statuses(t, f, month); got != "basic_auth.csv changed" {
		t.Errorf("with a user to add: %s", got)
	}
	if err := os.WriteFile(filepath.Join(f.Dir, pki.Passwords), []byte("s3cr3t"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Issue(365); err == nil || !strings.Contains(err.Error(), "basic_auth.csv") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a table that is none: %v", err)
	}
}

func TestTokens(t *testing.T) {
	f := issued(t)
	rows := func() [][]string {
		list, err := csv.NewReader(strings.NewReader(contents(t, f)["known_tokens.csv"])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := rows()
	if len(first) != 1 || len(first[0][0]) != 32 || !slices.Equal(first[0][1:], []string{"admin", "admin", "system:masters,ops"}) {
		t.Fatalf("tokens are %q", first)
	}
	// A row of somebody's own stays, and so does a token, when more are needed.
	path := filepath.Join(f.Dir, pki.Tokens)
	own := contents(t, f)[pki.Tokens] + "abc,me,7,\n"
	if err := os.WriteFile(path, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Plan.Tokens = append(f.Plan.Tokens, pki.Identity{User: "system:kube-proxy"})
	if got := statuses(t, f, month); got != "known_tokens.csv changed" {
		t.Errorf("with a token to add: %s", got)
	}
	if _, err := f.Issue(365); err != nil {
		t.Fatal(err)
	}
	if now := rows(); len(now) != 3 || !slices.Equal(now[0], first[0]) || now[1][0] != "abc" || now[2][1] != "system:kube-proxy" || now[2][0] == first[0][0] {
		t.Errorf("tokens are %q", now)
	}
	// What is no table is refused, and its text is not told.
	for _, bad := range []string{"s3cr3t", "s3cr3t,\"x", "s3cr3t,x\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := f.Issue(365)
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestEnds is the life of certificates under a clock that is set.
func TestEnds(t *testing.T) {
	f := issued(t)
	tests := []struct {
		days int
		want string
	}{
		{0, ""},
		{334, ""}, // 31 days left
		{335, "admin.crt expires, apiserver.crt expires"}, // 30
		{364, "admin.crt expires, apiserver.crt expires"},
		{365, "admin.crt expired, apiserver.crt expired"},
		{3620, "ca.crt expires, admin.crt expired, apiserver.crt expired"},
		{3650, "ca.crt expired, admin.crt expired, apiserver.crt expired"},
	}
	for _, tt := range tests {
		f.Now = birth.AddDate(0, 0, tt.days)
		if got := statuses(t, f, month); got != tt.want {
			t.Errorf("on day %d: %s, want %s", tt.days, got, tt.want)
		}
	}
	f.Now = birth.AddDate(0, 0, 335)
	state, err := f.State(month)
	if err != nil {
		t.Fatal(err)
	}
	if note := state[2].Note; note != "it ends in 30 days, on 2027-03-01" {
		t.Errorf("it says %q", note)
	}
	before := contents(t, f)
	if made, err := f.Issue(365); err != nil || len(made) > 0 {
		t.Errorf("issue made %q (%v)", made, err)
	}
	made, err := f.Renew(365, month, nil)
	if want := []string{"admin.crt", "admin.kubeconfig", "apiserver.crt"}; err != nil || !slices.Equal(made, want) || !slices.Equal(changed(before, contents(t, f)), want) {
		t.Errorf("renew made %q (%v), changed %q", made, err, changed(before, contents(t, f)))
	}
	if got := statuses(t, f, month); got != "" {
		t.Errorf("after renew: %s", got)
	}
	// No certificate outlives the CA, and a dead CA signs nothing.
	f.Now = birth.AddDate(0, 0, 3640)
	if _, err := f.Renew(365, month, nil); err != nil {
		t.Fatal(err)
	}
	state, err = f.State(0)
	if err != nil || !state[2].Until.Equal(*state[0].Until) {
		t.Errorf("admin until %v, the CA until %v (%v)", state[2].Until, state[0].Until, err)
	}
	f.Now = birth.AddDate(0, 0, 3651)
	if _, err := f.Renew(365, month, nil); err == nil || !strings.Contains(err.Error(), "the CA has ended on 2036-02-27") {
		t.Errorf("a dead CA: %v", err)
	}
}

// TestNothingIsWrittenOver: whatever is run, keys and the CA stay as they are.
func TestNothingIsWrittenOver(t *testing.T) {
	f := issued(t)
	before := contents(t, f)
	if _, err := f.Init(3650); err == nil || !strings.Contains(err.Error(), "not written over") {
		t.Errorf("init again: %v", err)
	}
	f.Plan.Certificates[1].DNS = append(f.Plan.Certificates[1].DNS, "api.example.com")
	if got := statuses(t, f, month); got != "apiserver.crt changed" {
		t.Errorf("with another name: %s", got)
	}
	if _, err := f.Renew(365, month, []string{"admin"}); err != nil {
		t.Fatal(err)
	}
	if got, want := changed(before, contents(t, f)), []string{"admin.crt", "admin.kubeconfig", "apiserver.crt"}; !slices.Equal(got, want) {
		t.Errorf("changed are %q, want %q", got, want)
	}
	if _, err := f.Renew(365, month, []string{"apisrver"}); err == nil || !strings.Contains(err.Error(), `no certificate "apisrver"`) {
		t.Errorf("a name that is none: %v", err)
	}
	for _, half := range []string{"ca.crt", "ca.key"} {
		if err := os.Rename(filepath.Join(f.Dir, half), filepath.Join(f.Dir, "away")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Init(3650); err == nil || !strings.Contains(err.Error(), "is there without its") {
			t.Errorf("init without %s: %v", half, err)
		}
		if err := os.Rename(filepath.Join(f.Dir, "away"), filepath.Join(f.Dir, half)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRepair: what is lost or comes from elsewhere is found, and put right.
func TestRepair(t *testing.T) {
	other := issued(t)
	damages := []struct {
		name   string
		damage func(f *keyring.Folder) error
		status string
		repair func(f *keyring.Folder) ([]string, error)
	}{
		{"a certificate is lost", func(f *keyring.Folder) error { return os.Remove(filepath.Join(f.Dir, "apiserver.crt")) }, "apiserver.crt missing",
			func(f *keyring.Folder) ([]string, error) { return f.Issue(365) }},
		{"a key is lost", func(f *keyring.Folder) error { return os.Remove(filepath.Join(f.Dir, "apiserver.key")) }, "apiserver.key missing",
			func(f *keyring.Folder) ([]string, error) { return f.Issue(365) }},
		{"a kubeconfig is lost", func(f *keyring.Folder) error { return os.Remove(filepath.Join(f.Dir, "admin.kubeconfig")) }, "admin.kubeconfig missing",
			func(f *keyring.Folder) ([]string, error) { return f.Issue(365) }},
		{"the server moves", func(f *keyring.Folder) error { f.Plan.Server = "https://10.0.0.9:6443"; return nil }, "admin.kubeconfig changed",
			func(f *keyring.Folder) ([]string, error) { return f.Issue(365) }},
		{"another CA", func(f *keyring.Folder) error { return take(f, other, "ca.crt", "ca.key") }, "admin.crt foreign, admin.kubeconfig changed, apiserver.crt foreign",
			func(f *keyring.Folder) ([]string, error) { return f.Renew(365, month, nil) }},
		{"another key", func(f *keyring.Folder) error { return take(f, other, "apiserver.key") }, "apiserver.crt foreign",
			func(f *keyring.Folder) ([]string, error) { return f.Renew(365, month, nil) }},
	}
	for _, tt := range damages {
		t.Run(tt.name, func(t *testing.T) {
			f := issued(t)
			if err := tt.damage(f); err != nil {
				t.Fatal(err)
			}
			if got := statuses(t, f, month); got != tt.status {
				t.Errorf("found: %s, want %s", got, tt.status)
			}
			if made, err := tt.repair(f); err != nil || len(made) == 0 {
				t.Errorf("repaired %q: %v", made, err)
			}
			if got := statuses(t, f, month); got != "" {
				t.Errorf("after that: %s", got)
			}
		})
	}
}

// take copies files of another folder.
func take(f, from *keyring.Folder, names ...string) error {
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from.Dir, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(f.Dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestRefusals: what cannot be read is refused, and its text is not told.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name, file, text string
		says             string
	}{
		{"half a key", "apiserver.key", "-----BEGIN EC PRIVATE KEY-----\ns3cr3t", "holds no key"},
		{"no key", "apiserver.key", "-----BEGIN EC PRIVATE KEY-----\nczNjcjN0\n-----END EC PRIVATE KEY-----\n", "holds no key that can be read"},
		{"a key of the CA that is none", "ca.key", "s3cr3t", "holds no key"},
		{"half a CA", "ca.crt", "-----BEGIN", "holds no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := issued(t)
			if err := os.WriteFile(filepath.Join(f.Dir, tt.file), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := f.Issue(365)
			var told *keyring.Error
			if !errors.As(err, &told) || !strings.Contains(told.Message, tt.says) || strings.Contains(told.Message+told.Help, "s3cr3t") || strings.Contains(told.Message, "czNjcjN0") {
				t.Errorf("the error is %v, want %q", err, tt.says)
			}
		})
	}
	f := issued(t)
	if err := take(f, issued(t), "ca.key"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Issue(365); err == nil || !strings.Contains(err.Error(), "is not the key of") {
		t.Errorf("the key of another CA: %v", err)
	}
	if err := take(f, f, "admin.crt"); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"admin.crt": "ca.crt", "admin.key": "ca.key"} {
		text, _ := os.ReadFile(filepath.Join(f.Dir, from))
		if err := os.WriteFile(filepath.Join(f.Dir, to), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Issue(365); err == nil || !strings.Contains(err.Error(), "the certificate of no CA") {
		t.Errorf("a certificate that is no CA's: %v", err)
	}
}

// TestKilled: whatever a run leaves when it is killed between two files, the next
// one goes on from there, and no key that was made is made again.
func TestKilled(t *testing.T) {
	whole := contents(t, issued(t))
	for name := range whole {
		if name == ".gitignore" || strings.HasPrefix(name, "ca.") {
			continue
		}
		f := issued(t)
		before := contents(t, f)
		for later := range before { // what would have been written after name is not there
			if made(later) >= made(name) {
				if err := os.Remove(filepath.Join(f.Dir, later)); err != nil {
					t.Fatal(err)
				}
				delete(before, later)
			}
		}
		if err := os.WriteFile(filepath.Join(f.Dir, ".new-123"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Issue(365); err != nil {
			t.Fatalf("before %s: %v", name, err)
		}
		after := contents(t, f)
		for name, text := range before {
			if after[name] != text {
				t.Errorf("%s was written again", name)
			}
		}
		if got := statuses(t, f, month); got != "" {
			t.Errorf("killed before %s: %s", name, got)
		}
	}
}

// made is the order in which files are made.
func made(name string) int {
	return slices.Index([]string{".gitignore", "ca.key", "ca.crt", "admin.key", "admin.crt", "admin.kubeconfig", "apiserver.key", "apiserver.crt", "service-account.key", "known_tokens.csv"}, name)
}

func TestKubeconfig(t *testing.T) {
	text := contents(t, issued(t))["admin.kubeconfig"]
	for _, want := range []string{`server: "https://10.0.0.1:6443"`, `name: "admin@shop-k8s"`, `current-context: "admin@shop-k8s"`} {
		if !bytes.Contains([]byte(text), []byte(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
