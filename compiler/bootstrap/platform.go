package bootstrap

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stackc/stackc/units"
)

// Platforms are the ways in which a configuration comes to a machine that
// [Host.How] knows.
func Platforms() []string {
	return []string{"iso", "config-drive", "aws", "cloudformation", "gce", "vagrant"}
}

// FileName is the name of the file that holds the host in a format.
func (h *Host) FileName(f Format) string {
	return strings.ReplaceAll(h.Name, "/", "-") + f.Extension()
}

// Firewall is what the rules for the machines of a host are called; the zero Firewall
// when they have several, of which nothing is said.
type Firewall struct {
	// Group is the security group or tag, Resource that of a template.
	Group, Resource string
}

// How says what to do with the file of the host, for one of [Platforms]: commands in
// which capital variables are left to whoever has the account, or the piece of a
// template. It fails for a machine that cannot be installed so.
func (h *Host) How(platform, file, text string, wall Firewall) (string, error) {
	quoted := units.ShellQuote(file)
	switch platform {
	case "iso":
		return h.install(quoted)
	case "config-drive":
		return drive(file), nil
	case "aws":
		return `aws ec2 run-instances --image-id "$AMI" --instance-type "$TYPE" --key-name "$KEY" --security-groups ` + wall.group() + ` --count ` + h.count() + " --user-data " + units.ShellQuote("file://"+file) + "\n", nil
	case "gce":
		return "gcloud compute instances create " + h.instances() + ` --image "$IMAGE" --machine-type "$TYPE" --tags ` + wall.group() + ` --metadata-from-file ` + units.ShellQuote("user-data="+file) + "\n", nil
	case "cloudformation":
		properties := map[string]any{"UserData": map[string]string{"Fn::Base64": text}}
		if wall.Resource != "" {
			properties["SecurityGroupIds"] = []any{map[string]any{"Fn::GetAtt": []string{wall.Resource, "GroupId"}}}
		}
		piece, err := json.MarshalIndent(properties, "", "  ")
		return string(piece) + "\n", err
	case "vagrant":
		return h.vagrant(quoted), nil
	}
	return "", fmt.Errorf("nothing is known of %q", platform)
}

// group is the name in a command, the shell's variable for one that is not known.
func (w Firewall) group() string {
	if w.Group == "" {
		return `"$GROUP"`
	}
	return units.ShellQuote(w.Group)
}

// install is the command that is typed on a machine which runs from the ISO.
func (h *Host) install(file string) (string, error) {
	if h.Machine == nil || !h.Machine.Disk.Given() {
		return "", fmt.Errorf("%q has no disk to be installed on: say disk = \"/dev/sda\" in its machine", h.Name)
	}
	channel := h.Update.Group
	if channel == "" {
		channel = "stable"
	}
	return "coreos-install -d " + units.ShellQuote(h.Machine.Disk.Expand(nil)) + " -C " + units.ShellQuote(channel) + " -c " + file + "\n", nil
}

// drive makes the image of a drive that a virtual machine has beside its disk:
// coreos-cloudinit, and Ignition where it takes the machine for one of OpenStack's,
// read a file of that name on a file system of that label (coreos-cloudinit
// Documentation/config-drive.md).
func drive(file string) string {
	base := strings.TrimSuffix(file, filepath.Ext(file))
	dir, image := units.ShellQuote(base+".drive"), units.ShellQuote(base+".iso")
	return "mkdir -p " + dir + "/openstack/latest\ncp " + units.ShellQuote(file) + " " + dir + "/openstack/latest/user_data\nmkisofs -R -V config-2 -o " + image + " " + dir + "\n"
}

// vagrant is what is typed beside the Vagrantfile of CoreOS: it gives all of its
// machines the one file user-data, and config.rb says how many there are.
func (h *Host) vagrant(file string) string {
	return "cp " + file + " user-data\necho '$num_instances = '" + h.count() + " >>config.rb\nvagrant up\n"
}

// count is how many machines a command starts, the shell's variable for what many share.
func (h *Host) count() string {
	if h.Machine != nil {
		return "1"
	}
	return `"$COUNT"`
}

func (h *Host) instances() string {
	if h.Machine != nil {
		return units.ShellQuote(h.Machine.Name)
	}
	return "$NAMES"
}
