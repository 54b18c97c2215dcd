package ports_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler/ports"
)

// ruled is a stack with every kind of source.
const ruled = `
[network]
pods = "10.1.0.0/16"
[roles]
master = "master=true"
minion = "minion=true"
[machine.core-01]
role    = ["master", "minion"]
address = "10.0.0.1"
public  = "192.0.2.1"
[machine.core-02]
role    = "minion"
address = "10.0.0.2"
[machine.core-03]
role    = "minion"
address = "10.0.0.3"
[bootstrap]
flannel = {}
[host.monitor]
address = "192.0.2.9"
[unit.agent]
role   = "minion"
global = true
port   = 10250
ports  = [
  { port = 10250, from = ["api", "monitor"] },
  { port = "30000-32767", protocol = "udp", from = ["anyone", "minion"] },
  { port = 10249 },
]
` + service + `
[unit.api]
role = "master"
` + service

// rulesOf writes the rules of a stack.
func rulesOf(t *testing.T, text string, system ports.System, operators ...string) string {
	t.Helper()
	l := listOf(t, text)
	texts, err := l.Rules(system, l.Groups, operators)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, x := range texts {
		b.WriteString("== " + x.Name + "\n" + x.Text)
	}
	return b.String()
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name      string
		system    ports.System
		operators []string
		want      string
	}{
		{"aws", ports.AWS, nil, `== aws.sh
aws ec2 create-security-group --group-name shop-master-minion --description 'stack shop: master, minion'
aws ec2 create-security-group --group-name shop-minion --description 'stack shop: minion'
aws ec2 authorize-security-group-ingress --group-name shop-master-minion --protocol tcp --port 22 --cidr "$OPERATOR"
aws ec2 authorize-security-group-ingress --group-name shop-master-minion --protocol udp --port 8285 --source-group shop-minion
aws ec2 authorize-security-group-ingress --group-name shop-master-minion --protocol tcp --port 10250 --cidr 192.0.2.9/32
aws ec2 authorize-security-group-ingress --group-name shop-master-minion --protocol tcp --port 10250 --cidr "$OPERATOR"
aws ec2 authorize-security-group-ingress --group-name shop-master-minion --protocol udp --port 30000-32767 --cidr 0.0.0.0/0
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol tcp --port 22 --cidr "$OPERATOR"
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol udp --port 8285 --source-group shop-master-minion
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol udp --port 8285 --source-group shop-minion
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol tcp --port 10250 --source-group shop-master-minion
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol tcp --port 10250 --cidr 192.0.2.9/32
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol tcp --port 10250 --cidr "$OPERATOR"
aws ec2 authorize-security-group-ingress --group-name shop-minion --protocol udp --port 30000-32767 --cidr 0.0.0.0/0
`},
		{"gce, with two networks of operators", ports.GCE, []string{"198.51.100.7", "203.0.113.0/24"}, `== gce.sh
gcloud compute firewall-rules create shop-master-minion-1 --network "$NETWORK" --allow tcp:22,tcp:10250 --source-ranges 198.51.100.7/32 --target-tags shop-master-minion
gcloud compute firewall-rules create shop-master-minion-2 --network "$NETWORK" --allow tcp:22,tcp:10250 --source-ranges 203.0.113.0/24 --target-tags shop-master-minion
gcloud compute firewall-rules create shop-master-minion-3 --network "$NETWORK" --allow udp:8285 --source-tags shop-minion --target-tags shop-master-minion
gcloud compute firewall-rules create shop-master-minion-4 --network "$NETWORK" --allow tcp:10250 --source-ranges 192.0.2.9/32 --target-tags shop-master-minion
gcloud compute firewall-rules create shop-master-minion-5 --network "$NETWORK" --allow udp:30000-32767 --source-ranges 0.0.0.0/0 --target-tags shop-master-minion
gcloud compute firewall-rules create shop-minion-1 --network "$NETWORK" --allow tcp:22,tcp:10250 --source-ranges 198.51.100.7/32 --target-tags shop-minion
gcloud compute firewall-rules create shop-minion-2 --network "$NETWORK" --allow tcp:22,tcp:10250 --source-ranges 203.0.113.0/24 --target-tags shop-minion
gcloud compute firewall-rules create shop-minion-3 --network "$NETWORK" --allow udp:8285,tcp:10250 --source-tags shop-master-minion --target-tags shop-minion
gcloud compute firewall-rules create shop-minion-4 --network "$NETWORK" --allow udp:8285 --source-tags shop-minion --target-tags shop-minion
gcloud compute firewall-rules create shop-minion-5 --network "$NETWORK" --allow tcp:10250 --source-ranges 192.0.2.9/32 --target-tags shop-minion
gcloud compute firewall-rules create shop-minion-6 --network "$NETWORK" --allow udp:30000-32767 --source-ranges 0.0.0.0/0 --target-tags shop-minion
`},
		{"iptables", ports.IPTables, nil, `== shop-master-minion.rules
# What machines of stack shop let in: master, minion (core-01).
# Now, beside other rules:    iptables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/iptables/rules-save and iptables-restore.service
*filter
:STACKC - [0:0]
-I INPUT -j STACKC
-A STACKC -i lo -j ACCEPT
-A STACKC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A STACKC -p icmp -j ACCEPT
-A STACKC -p tcp --dport 22 -j ACCEPT
# flannel, udp
-A STACKC -s 10.0.0.2 -p udp --dport 8285 -j ACCEPT
-A STACKC -s 10.0.0.3 -p udp --dport 8285 -j ACCEPT
# 10250/tcp (agent.service) for operators: say their network with --operator
# agent.service
-A STACKC -s 192.0.2.9 -p tcp --dport 10250 -j ACCEPT
# agent.service
-A STACKC -p udp --dport 30000:32767 -j ACCEPT
-A STACKC -j DROP
COMMIT
== shop-minion.rules
# What machines of stack shop let in: minion (core-02, core-03).
# Now, beside other rules:    iptables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/iptables/rules-save and iptables-restore.service
*filter
:STACKC - [0:0]
-I INPUT -j STACKC
-A STACKC -i lo -j ACCEPT
-A STACKC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A STACKC -p icmp -j ACCEPT
-A STACKC -p tcp --dport 22 -j ACCEPT
# flannel, udp
-A STACKC -s 10.0.0.1 -p udp --dport 8285 -j ACCEPT
-A STACKC -s 10.0.0.2 -p udp --dport 8285 -j ACCEPT
-A STACKC -s 10.0.0.3 -p udp --dport 8285 -j ACCEPT
-A STACKC -s 192.0.2.1 -p udp --dport 8285 -j ACCEPT
# 10250/tcp (agent.service) for operators: say their network with --operator
# agent.service
-A STACKC -s 10.0.0.1 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 10.1.0.0/16 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 192.0.2.1 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 192.0.2.9 -p tcp --dport 10250 -j ACCEPT
# agent.service
-A STACKC -p udp --dport 30000:32767 -j ACCEPT
-A STACKC -j DROP
COMMIT
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, rulesOf(t, ruled, tt.system, tt.operators...)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestIPTablesReads has iptables-restore itself read what is written, alone and beside
// other rules.
func TestIPTablesReads(t *testing.T) {
	texts := ruledFiles(t, "198.51.100.0/24", "203.0.113.9")
	for _, text := range texts {
		for _, args := range [][]string{{"--test"}, {"--test", "--noflush"}} {
			if out, err := inNetwork(text.Text, append([]string{"iptables-restore"}, args...)...); err != nil {
				t.Errorf("%s %v: %v\n%s\n%s", text.Name, args, err, out, text.Text)
			}
		}
	}
	if out, err := inNetwork(strings.Replace(texts[0].Text, "--dport 8285", "--dport flannel", 1), "iptables-restore", "--test"); err == nil {
		t.Errorf("it takes anything: %s", out)
	}
}

// TestIPTablesTwice reads a file twice into the rules of a machine with docker: those of
// docker stay, and each of the file's is there once.
func TestIPTablesTwice(t *testing.T) {
	out, err := inNetwork(ruledFiles(t)[1].Text, "sh", "-euc", `
rules=$(cat)
iptables -N DOCKER
iptables -A FORWARD -o docker0 -j DOCKER
for time in once twice; do echo "$rules" | iptables-restore --noflush; done
iptables -S`)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line, times := range map[string]int{
		"-P INPUT ACCEPT": 1, "-A FORWARD -o docker0 -j DOCKER": 1, "-A INPUT -j STACKC": 2, "-A STACKC -i lo -j ACCEPT": 1,
		"-A STACKC -p tcp -m tcp --dport 22 -j ACCEPT": 1, "-A STACKC -p udp -m udp --dport 30000:32767 -j ACCEPT": 1,
		"-A STACKC -s 10.0.0.1/32 -p tcp -m tcp --dport 10250 -j ACCEPT": 1, "-A STACKC -j DROP": 1,
	} {
		if n := strings.Count(string(out), line+"\n"); n != times {
			t.Errorf("%q is there %d times, want %d", line, n, times)
		}
	}
	if !strings.HasSuffix(string(out), "-A STACKC -j DROP\n") {
		t.Errorf("something comes behind what drops the rest:\n%s", out)
	}
}

// TestIPTablesPackets sends packets to a machine with the rules, from one that may and
// from a stranger. Nothing listens: what is let in is refused by the machine itself, and
// what is not has no answer at all.
func TestIPTablesPackets(t *testing.T) {
	out, err := inNetwork(ruledFiles(t)[1].Text, "sh", "-euc", `
iptables-restore --noflush
unshare --net sleep 300 </dev/null >/dev/null 2>&1 &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link set lo up
ip link add here type veth peer name there netns $other
ip addr add 10.0.0.2/24 dev here
ip link set here up
nsenter --target $other --net ip link set there up
ask() { # from where, port, seconds to wait for an answer, and what to call it
	code=0
	$1 timeout $3 bash -c ": </dev/tcp/10.0.0.2/$2" 2>/dev/null || code=$?
	echo "$4 $2 $code"
}
move() {
	nsenter --target $other --net ip addr flush dev there
	nsenter --target $other --net ip addr add $1/24 dev there
}
there="nsenter --target $other --net"
move 10.0.0.1
ask "$there" 22 60 master
ask "$there" 10250 60 master
ask "$there" 10249 1 master
ask "$there" 8080 1 master
move 10.0.0.99
ask "$there" 22 60 stranger
ask "$there" 10250 1 stranger
ask "$there" 10249 1 stranger
ask "" 10249 60 itself
`)
	const refused, silent = "1", "124"
	want := strings.Join([]string{
		"master 22 " + refused, "master 10250 " + refused, "master 10249 " + silent, "master 8080 " + silent,
		"stranger 22 " + refused, "stranger 10250 " + silent, "stranger 10249 " + silent,
		"itself 10249 " + refused, "",
	}, "\n")
	if d := cmp.Diff(want, string(out)); err != nil || d != "" {
		t.Errorf("%v; -want +got:\n%s", err, d)
	}
}

// ruledFiles are the files for iptables of the stack with every kind of source.
func ruledFiles(t *testing.T, operators ...string) []ports.Text {
	t.Helper()
	l := listOf(t, ruled)
	texts, err := l.Rules(ports.IPTables, l.Groups, operators)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// inNetwork gives rules to a program in a network of its own, where it may change them.
func inNetwork(rules string, program ...string) ([]byte, error) {
	cmd := exec.Command("unshare", append([]string{"--user", "--map-root-user", "--net"}, program...)...)
	cmd.Stdin = strings.NewReader(rules)
	return cmd.CombinedOutput()
}

// TestTemplate finds in the template a group for each group of machines, and as many
// rules as aws is told; names that it refers to are there.
func TestTemplate(t *testing.T) {
	var template struct {
		Parameters map[string]any
		Resources  map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	text := rulesOf(t, ruled, ports.CloudFormation)
	_, text, _ = strings.Cut(text, "\n")
	if err := json.Unmarshal([]byte(text), &template); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	var refers func(v any)
	refers = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if name, ok := v["Ref"].(string); ok && template.Parameters[name] == nil {
				t.Errorf("there is no parameter %s", name)
			}
			if list, ok := v["Fn::GetAtt"].([]any); ok && template.Resources[list[0].(string)].Type != "AWS::EC2::SecurityGroup" {
				t.Errorf("there is no security group %s", list[0])
			}
			for _, e := range v {
				refers(e)
			}
		}
	}
	for _, r := range template.Resources {
		count[r.Type]++
		refers(r.Properties)
	}
	rules := strings.Count(rulesOf(t, ruled, ports.AWS), "authorize-security-group-ingress")
	if d := cmp.Diff(map[string]int{"AWS::EC2::SecurityGroup": 2, "AWS::EC2::SecurityGroupIngress": rules}, count); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestUnknownAddresses writes no rule for iptables that would let in too much or too
// little.
func TestUnknownAddresses(t *testing.T) {
	const waits = `
[unit.api]
role  = "master"
port  = 8080
ready = { tcp = true }
` + service + `
[unit.agent]
role  = "node"
after = ["api"]
` + asksAPI
	l := listOf(t, twoRoles+waits)
	_, err := l.Rules(ports.IPTables, l.Groups, nil)
	var refused *ports.Error
	if !errors.As(err, &refused) || refused.Message != "where node is that uses 8080/tcp of master is not known" {
		t.Errorf("%v", err)
	}
	named := listOf(t, twoRoles+"[host.monitor]\naddress = \"monitor.example.com\"\n[unit.api]\nrole = \"master\"\nports = [{ port = 9100, from = \"monitor\" }]\n"+service)
	for _, system := range ports.Systems() {
		if _, err := named.Rules(system, named.Groups, nil); err == nil {
			t.Errorf("%s: a name is taken for an address", system)
		}
	}
	text := rulesOf(t, twoRoles+"[network]\nmachines = [\"10.0.0.0/24\", \"2001:db8::/64\"]\n"+waits, ports.IPTables)
	of4, of6, _ := strings.Cut(text, "ip6tables-restore")
	if !strings.Contains(of4, "-A STACKC -s 10.0.0.0/24 -p tcp --dport 8080 -j ACCEPT\n") || strings.Contains(of4, "2001:") {
		t.Error(of4)
	}
	if !strings.Contains(of6, "-A STACKC -s 2001:db8::/64 -p tcp --dport 8080 -j ACCEPT\n") || strings.Contains(of6, "10.0.0.") {
		t.Error(of6)
	}
}

// TestNames gives machines names that all systems take, and no two the same one.
func TestNames(t *testing.T) {
	l := listOf(t, `
[roles]
"a.b" = "x=1"
"a-b" = "x=2"
"ab"  = "x=3"
"`+strings.Repeat("long", 20)+`" = "x=4"
"`+strings.Repeat("long", 20)+`er" = "x=5"
[unit.x]
role = "ab"
`+service)
	var got []string
	for _, g := range l.Groups {
		got = append(got, g.ID)
	}
	long := "shop-" + strings.Repeat("long", 20)[:51]
	if d := cmp.Diff([]string{"shop-a-b", "shop-a-b-x2", "shop-ab", long, long + "-x2"}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
