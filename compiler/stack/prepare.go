package stack

import (
	"path"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// puts reads `etcd_put = { "/key" = value }`.
func (d *decoder) puts(v *syntax.Value) []Put {
	t := d.table(v, `a table such as { "/key" = "value" }`)
	if t == nil {
		return nil
	}
	var list []Put
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if !path.IsAbs(e.Key) || path.Clean(e.Key) != e.Key || e.Key == "/" {
			d.errorf(diag.BadValue, e.KeySpan, "%q is not an etcd key", e.Key).help("a key is an absolute, clean path such as %q", path.Join("/coreos.com", e.Key))
			continue
		}
		if value, ok := d.json(e.Value); ok {
			list = append(list, Put{Pos: d.pos(e.KeySpan), Key: e.Key, Value: value})
		}
	}
	return list
}

// env reads `env = { VARIABLE = "/file" }`.
func (d *decoder) env(v *syntax.Value) []EnvVar {
	t := d.table(v, `a table such as { DEFAULT_IPV4 = "/etc/network-environment" }`)
	if t == nil {
		return nil
	}
	var list []EnvVar
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if !envName(e.Key) {
			d.errorf(diag.BadValue, e.KeySpan, "%q is not the name of an environment variable", e.Key)
			continue
		}
		file := d.text(e.Value)
		if s := file.masked(); file.sound() && (!path.IsAbs(s) || strings.ContainsAny(s, " \t\n*?[")) {
			// systemd takes EnvironmentFile= for a pattern of several files, a waiter does not
			d.errorf(diag.BadValue, e.Value.Span, "%q is not an absolute path without blanks and patterns", s).help("env names the file on the machine that holds %s=…; a fixed value is [unit.….Service] Environment", e.Key)
			continue
		}
		list = append(list, EnvVar{Name: e.Key, Pos: d.pos(e.KeySpan), File: file})
	}
	return list
}

func envName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
