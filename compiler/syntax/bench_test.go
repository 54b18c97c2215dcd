package syntax

import (
	"fmt"
	"strings"
	"testing"

	burnt "github.com/BurntSushi/toml"

	"github.com/stackc/stackc/compiler/source"
)

// generated returns TOML text of at least size bytes in the shape of a stack
// with very many units.
func generated(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `# unit number %[1]d
[unit.app%05[1]d]
role = "node"
port = %[1]d
after = ["etcd", "flannel", "docker"]
ready = { http = "/healthz", port = 80 }   # trailing
[unit.app%05[1]d.Service]
ExecStart = """
  /usr/bin/docker run --rm --name app%[1]d
  -p ${{ self.port }}:80 img:latest"""
Restart = "always"
Environment = ["PORT=80%[1]d", "MODE=\"prod\""]
[[unit.app%05[1]d.download]]
url = "http://10.0.0.1/a"
to = '/opt/bin/a'

`, i)
	}
	return b.String()
}

// BenchmarkParse stands beside the time that a decode of the same text without
// any places takes.
func BenchmarkParse(b *testing.B) {
	for _, size := range []int{10 << 10, 1 << 20, 10 << 20} {
		text := generated(size)
		b.Run(fmt.Sprintf("tree/%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, findings := Parse(source.NewFile("bench.toml", text)); len(findings) > 0 {
					b.Fatal(findings[0].Message)
				}
			}
		})
		b.Run(fmt.Sprintf("map/%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var m map[string]any
				if _, err := burnt.Decode(text, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
