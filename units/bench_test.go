package units_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/stackc/stackc/units"
)

// manyUnits makes n units of 20 options, as a compiled stack has them.
func manyUnits(n int) []units.Unit {
	list := make([]units.Unit, n)
	for i := range list {
		o := opts(
			fmt.Sprintf("Unit.Description=unit %d of many", i),
			"Unit.Wants=docker.service etcd.service", "Unit.After=docker.service etcd.service",
			"Service.Type=notify", "Service.Restart=always", "Service.RestartSec=10", "Service.TimeoutStartSec=0",
			"Service.Environment=A=b", "Service.EnvironmentFile=-/etc/network-environment", "Service.LimitNOFILE=65536",
			"Service.ExecStartPre=/usr/bin/mkdir -p /opt/bin",
			`Service.ExecStartPre=/bin/sh -c "until curl -fsS --max-time 5 -o /dev/null http://10.20.30.40:8080/healthz; do echo 'waiting for kube-apiserver'; sleep 2; done"`,
			`Service.ExecStartPre=/bin/sh -c "until grep -q ^FLANNEL_MTU= /run/flannel/subnet.env; do echo waiting; sleep 2; done"`,
			"Service.ExecStart=/opt/bin/kubelet --address=0.0.0.0 --port=10250 --hostname-override=${DEFAULT_IPV4} --api-servers=http://10.20.30.40:8080 --logtostderr=true",
			"Service.ExecStop=/bin/kill -TERM $MAINPID", "Service.KillMode=mixed",
			"X-Fleet.MachineMetadata=role=node", "X-Fleet.MachineMetadata=role=master", "X-Fleet.Global=true",
			"X-Stackc.Stack=k8s",
		)
		list[i] = units.Unit{Name: units.Name(fmt.Sprintf("unit-%05d.service", i)), Options: o, Desired: units.Launched}
	}
	return list
}

func perTenThousand(b *testing.B, work func(u units.Unit)) {
	list := manyUnits(10_000)
	b.ReportAllocs()
	for b.Loop() {
		for _, u := range list {
			work(u)
		}
	}
}

// BenchmarkAll is everything the compiler asks of 10,000 units.
func BenchmarkAll(b *testing.B) {
	perTenThousand(b, func(u units.Unit) {
		if _, err := units.ParseName(string(u.Name)); err != nil {
			b.Fatal(err)
		}
		text, err := units.Format(u.Options)
		if err != nil || len(text) == 0 || len(u.Hash()) != 40 {
			b.Fatal(text, err)
		}
		if rules := units.CheckUnit(u); len(rules) > 0 {
			b.Fatal(rules)
		}
		if _, losses := units.ParsePlacement(u.Name, u.Options); len(losses) > 0 {
			b.Fatal(losses)
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	perTenThousand(b, func(u units.Unit) { units.Format(u.Options) })
}

func BenchmarkCheck(b *testing.B) {
	perTenThousand(b, func(u units.Unit) { units.Check(u.Options) })
}

func BenchmarkHash(b *testing.B) {
	perTenThousand(b, func(u units.Unit) { u.Hash() })
}

func BenchmarkCheckFleet(b *testing.B) {
	perTenThousand(b, func(u units.Unit) { units.CheckFleet(u.Name, u.Options) })
}

func BenchmarkParsePlacement(b *testing.B) {
	perTenThousand(b, func(u units.Unit) { units.ParsePlacement(u.Name, u.Options) })
}

func BenchmarkEdges(b *testing.B) {
	perTenThousand(b, func(u units.Unit) { units.Edges(u.Name, u.Options) })
}

func BenchmarkLookupDirective(b *testing.B) {
	perTenThousand(b, func(u units.Unit) {
		for _, o := range u.Options {
			units.LookupDirective(o.Section, o.Name)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := manyUnits(1)[0].Text()
	perTenThousand(b, func(u units.Unit) { units.Parse(text) })
}

// BenchmarkGoSystemd is the floor: go-systemd writing the same.
func BenchmarkGoSystemd(b *testing.B) {
	wire := goSystemd(manyUnits(1)[0].Options)
	perTenThousand(b, func(u units.Unit) { io.ReadAll(unit.Serialize(wire)) })
}

func BenchmarkGoSystemdRead(b *testing.B) {
	text := manyUnits(1)[0].Text()
	perTenThousand(b, func(u units.Unit) { unit.DeserializeOptions(strings.NewReader(text)) })
}
