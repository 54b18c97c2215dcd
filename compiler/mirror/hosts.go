package mirror

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// hostAsks are the files that machines fetch before fleet, and those that nobody in
// the stack fetches.
func hostAsks(s *stack.Stack) []Ask {
	var list []Ask
	for _, f := range s.Files {
		if f.Source.Given() && f.Remote() {
			ask := Ask{Host: hostsOf(f), To: f.Path, path: "file." + stack.Key(f.Path), pos: f.Pos, sum: f.SHA256}
			list = append(list, ask.on(s, f.Source, f.Origin, func(m *stack.Machine) bool { return f.On(m.Name, rolesOf(m)) })...)
		}
	}
	if b := s.Bootstrap; b != nil && b.Network != nil {
		ask := Ask{Host: everyMachine, To: b.Network.To.Source(), path: "bootstrap.setup_network_environment", pos: b.Network.Pos, sum: b.Network.SHA256}
		list = append(list, ask.on(s, b.Network.URL, b.Network.Origin, func(*stack.Machine) bool { return true })...)
	}
	for i, f := range s.Mirror {
		ask := Ask{Host: f.For.Source(), path: fmt.Sprintf("mirror[%d]", i), pos: f.Pos, sum: f.SHA256}
		if ask.Host == "" {
			ask.Host = "nobody in the stack"
		}
		list = append(list, ask.on(s, f.URL, f.Origin, func(*stack.Machine) bool { return false })...)
	}
	return list
}

const everyMachine = "every machine"

// on is what is asked for at a URL: one file, or where that depends on the machine
// one for each that has it.
func (a Ask) on(s *stack.Stack, url, origin stack.Text, has func(*stack.Machine) bool) []Ask {
	a.sha256 = a.sum.Source()
	if len(url.Refs())+len(origin.Refs()) == 0 {
		a.url, a.origin = url.Source(), origin.Source()
		return []Ask{a}
	}
	var list []Ask
	for _, m := range s.Machines {
		if !has(m) {
			continue
		}
		word := func(r stack.Ref) string { return m.Word(r.Field) }
		a.Host, a.url, a.origin = "machine "+m.Name, url.Expand(word), origin.Expand(word)
		list = append(list, a)
	}
	return list
}

func rolesOf(m *stack.Machine) []string {
	var roles []string
	for _, w := range m.Roles {
		roles = append(roles, w.Value)
	}
	return roles
}

// hostsOf names the machines that have a file.
func hostsOf(f *stack.HostFile) string {
	var list []string
	for _, w := range f.Roles {
		list = append(list, "role "+w.Value)
	}
	for _, w := range f.Machines {
		list = append(list, "machine "+w.Value)
	}
	if len(list) == 0 {
		return everyMachine
	}
	return strings.Join(slices.Compact(list), ", ")
}

// imagesOf are the images of the system that a server gives to machines which start
// over the network.
func imagesOf(s *stack.Stack) []Ask {
	if s.PXE == nil || !s.PXE.Version.Given() {
		return nil
	}
	var list []Ask
	for i, image := range []*stack.PXEImage{s.PXE.Kernel, s.PXE.Initrd} {
		a := Ask{
			Host: "the PXE server", To: s.PXE.TFTP() + "/images/coreos/" + stack.PXEImages[i], path: "pxe", pos: s.PXE.Pos,
			url: s.PXE.ImagesURL() + "/" + stack.PXEImages[i], in: stack.PXEImageKeys[i],
		}
		if image != nil {
			a.in, a.pos, a.sum, a.sha256 = "", image.Pos, image.SHA256, image.SHA256.Source()
		}
		list = append(list, a)
	}
	return list
}
