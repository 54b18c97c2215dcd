package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Binaries are the programs a lab is made of. They are never changed once built.
type Binaries struct {
	Fleetd    string            // fleet 1.0.0's daemon
	Fleetctl  string            // and its client
	Fleetlab  string            // this module's fleetlab, which serves the mirror
	Cloudinit string            // coreos-cloudinit's code, which sets a machine up by its cloud-config
	Standin   map[string]string // kube-standin by release
}

// Releases are the Kubernetes releases there is a stand-in for.
func Releases() []string { return []string{"0.7", "0.15", "1.11"} }

// Missing names the Debian packages whose programs a lab needs and this machine does not have.
func Missing() []string {
	needs := []struct{ file, pkg string }{
		{"/usr/lib/systemd/systemd", "systemd"},
		{"/usr/bin/systemd-nspawn", "systemd-container"},
		{"/usr/bin/etcd", "etcd-server"},
		{"/usr/bin/dbus-daemon", "dbus"},
		{"/usr/lib/systemd/system/dbus.service", "dbus"},
		{"/usr/bin/curl", "curl"},
		{"/usr/bin/nsenter", "util-linux"},
	}
	var missing []string
	for _, n := range needs {
		if _, err := os.Stat(n.file); err != nil {
			missing = append(missing, n.pkg)
		}
	}
	if _, err := exec.LookPath("ip"); err != nil {
		missing = append(missing, "iproute2")
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// Sources says where the programs are built from and to. The zero value is right inside the module's directory.
type Sources struct {
	Repo        string // the module's root; found from the working directory when empty
	FleetModule string // module with the fleetd command that knows fleet's own pins; Repo/cmd/fleetbox when empty
	Cache       string // where the programs are kept; in the user's cache directory when empty
}

// Build builds the programs, or returns those built before from the same sources with the same Go. An empty cacheDir is the user's.
func Build(ctx context.Context, cacheDir string) (Binaries, error) {
	return Sources{Cache: cacheDir}.Build(ctx)
}

// Build is the function of that name for other places.
func (s Sources) Build(ctx context.Context) (Binaries, error) {
	s, err := s.withDefaults()
	if err != nil {
		return Binaries{}, err
	}
	if err := os.MkdirAll(s.Cache, 0o755); err != nil {
		return Binaries{}, err
	}
	unlock, err := lockFile(filepath.Join(s.Cache, ".lock"))
	if err != nil {
		return Binaries{}, err
	}
	defer unlock()
	key, err := s.key()
	if err != nil {
		return Binaries{}, err
	}
	dir := filepath.Join(s.Cache, key)
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err == nil {
		return binariesIn(dir), nil
	}
	if err := s.prune(now.Add(-7 * 24 * time.Hour)); err != nil {
		return Binaries{}, err
	}
	return s.buildTo(ctx, dir)
}

// prune removes the builds that were last used before a time.
func (s Sources) prune(before time.Time) error {
	entries, err := os.ReadDir(s.Cache)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() && info.ModTime().Before(before) {
			errs = append(errs, os.RemoveAll(filepath.Join(s.Cache, e.Name())))
		}
	}
	return errors.Join(errs...)
}

func (s Sources) withDefaults() (Sources, error) {
	var err error
	if s.Repo == "" {
		if s.Repo, err = findRepo(); err != nil {
			return s, err
		}
	}
	if s.FleetModule == "" {
		s.FleetModule = filepath.Join(s.Repo, "cmd", "fleetbox")
	}
	if s.Cache == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir() // no HOME: a build machine
		}
		s.Cache = filepath.Join(cache, "fleetlab")
	}
	s.Cache, err = filepath.Abs(s.Cache)
	return s, err
}

// findRepo walks up from the working directory to this module's go.mod.
func findRepo() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(data, []byte("module github.com/stackc/stackc\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not inside the stackc module: there is no go.mod of it above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// key is a digest of all the programs are made of.
func (s Sources) key() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOARCH)
	for _, root := range []string{
		filepath.Join(s.Repo, "cmd", "fleetlab"), filepath.Join(s.Repo, "cmd", "cloudinit"), filepath.Join(s.Repo, "cmd", "kube-standin"),
		filepath.Join(s.FleetModule, "fleetd"), filepath.Join(s.FleetModule, "fleetctl"),
		filepath.Join(s.FleetModule, "go.mod"), filepath.Join(s.FleetModule, "go.sum"),
	} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || (err == nil && (d.IsDir() || strings.HasSuffix(path, "_test.go"))) {
				return nil
			}
			if err != nil {
				return err
			}
			return hashFile(h, path)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

func hashFile(h io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintln(h, filepath.Base(path))
	_, err = io.Copy(h, f)
	return err
}

func binariesIn(dir string) Binaries {
	b := Binaries{
		Fleetd:    filepath.Join(dir, "fleetd"),
		Fleetctl:  filepath.Join(dir, "fleetctl"),
		Fleetlab:  filepath.Join(dir, "fleetlab"),
		Cloudinit: filepath.Join(dir, "cloudinit"),
		Standin:   map[string]string{},
	}
	for _, r := range Releases() {
		b.Standin[r] = filepath.Join(dir, "kube-standin-"+r)
	}
	return b
}

// buildTo builds into a directory beside dir and renames it when all is there: dir is complete or absent.
func (s Sources) buildTo(ctx context.Context, dir string) (Binaries, error) {
	temp, err := os.MkdirTemp(s.Cache, "building-")
	if err != nil {
		return Binaries{}, err
	}
	defer os.RemoveAll(temp)
	b := binariesIn(temp)
	const fleetVersion = "-s -w -X github.com/coreos/fleet/version.Version=1.0.0"
	fleetctl := "github.com/coreos/fleet/fleetctl"
	if _, err := os.Stat(filepath.Join(s.FleetModule, "fleetctl")); err == nil {
		fleetctl = "./fleetctl"
	}
	steps := []struct{ module, pkg, ldflags, out string }{
		{s.FleetModule, "./fleetd", fleetVersion, b.Fleetd},
		{s.FleetModule, fleetctl, fleetVersion, b.Fleetctl},
		{s.Repo, "./cmd/fleetlab", "-s -w", b.Fleetlab},
		{filepath.Join(s.Repo, "cmd", "cloudinit"), ".", "-s -w", b.Cloudinit},
	}
	for _, r := range Releases() {
		steps = append(steps, struct{ module, pkg, ldflags, out string }{s.Repo, "./cmd/kube-standin", "-s -w -X main.release=" + r, b.Standin[r]})
	}
	for _, step := range steps {
		if err := goBuild(ctx, step.module, step.pkg, step.ldflags, step.out); err != nil {
			return Binaries{}, err
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return Binaries{}, err
	}
	return binariesIn(dir), os.Rename(temp, dir)
}

// goBuild builds one static program, the same bytes for the same sources and Go.
func goBuild(ctx context.Context, module, pkg, ldflags, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s in %s: %w\n%s", pkg, module, err, text)
	}
	return nil
}

// mirrored are the names under which the stand-ins of a release are served. flannel is flanneld's name in the older guide; kubectl and kubernetes are only fetched,
// for whoever logs in on the master. From 1.11 on the programs of Kubernetes are one.
func mirrored(release string) []string {
	if release == "1.11" {
		return []string{"hyperkube", "flanneld", "setup-network-environment"}
	}
	return []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kube-register", "flanneld", "flannel", "setup-network-environment", "kubectl", "kubernetes"}
}

// BuildMirror puts the stand-ins of a release into a directory, under the names of the real programs, with a SHA256SUMS beside them, and returns the SHA-256 of
// each in hex. The name is part of each file's content, so that no two of them have the same sum and a mix-up shows.
func (b Binaries) BuildMirror(dir, release string) (map[string]string, error) {
	program, ok := b.Standin[release]
	if !ok {
		return nil, fmt.Errorf("no stand-ins for release %q: there are %s", release, strings.Join(Releases(), ", "))
	}
	code, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	var list strings.Builder
	for _, name := range mirrored(release) {
		// The loader reads what the ELF headers name and nothing behind it.
		data := append(slices.Clone(code), fmt.Sprintf("\nstand-in for %s of release %s\n", name, release)...)
		if err := writeFile(filepath.Join(dir, name), string(data), 0o755); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		sums[name] = hex.EncodeToString(sum[:])
		fmt.Fprintf(&list, "%s  %s\n", sums[name], name)
	}
	return sums, writeFile(filepath.Join(dir, "SHA256SUMS"), list.String(), 0o644)
}
