package hosttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/coreos/coreos-cloudinit/datasource/configdrive"

	"github.com/stackc/stackc/compiler/bootstrap"
)

// TestConfigDrive has coreos-cloudinit read the folder of which the commands for a
// drive make an image: it finds what was written for the machine.
func TestConfigDrive(t *testing.T) {
	for name, h := range hostsOf(t, bootstrap.CloudConfig) {
		t.Run(name, func(t *testing.T) {
			text, err := h.CloudConfig()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "host.yml"), text, 0o666); err != nil {
				t.Fatal(err)
			}
			how, err := h.How("config-drive", "host.yml", string(text), bootstrap.Firewall{})
			if err != nil {
				t.Fatal(err)
			}
			// The image itself is the business of mkisofs, which gets the folder last.
			cmd := exec.Command("/bin/sh", "-ec", "mkisofs() { for last; do :; done; mv \"$last\" drive; }\n"+how)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", how, err, out)
			}
			read, err := configdrive.NewDatasource(filepath.Join(dir, "drive")).FetchUserdata()
			if err != nil || string(read) != string(text) {
				t.Errorf("coreos-cloudinit reads %q, written was %q (%v)", read, text, err)
			}
		})
	}
}
