package ports_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler/ports"
)

// dual is a stack with machines of both versions of IP: one has either, one IPv4 alone
// and one IPv6 alone.
const dual = `
[network]
pods   = "2001:db8:1::/48"
subnet = 56
[roles]
master = "role=master"
node   = "role=node"
[machine.both]
role    = "master"
address = "10.0.0.1"
public  = "2001:db8::1"
[machine.four]
role    = "master"
address = "10.0.0.2"
[machine.six]
role    = "node"
address = "2001:db8::3"
[host.monitor]
address = "2001:db8::9"
[unit.agent]
role   = "node"
global = true
ports  = [
  { port = 10250, from = ["master", "monitor"] },
  { port = "30000-32767", protocol = "udp", from = "anyone" },
]
` + service

func TestRulesIPv6(t *testing.T) {
	for _, tt := range []struct {
		name   string
		system ports.System
		want   string
	}{
		{"aws has another word for it", ports.AWS, `== aws.sh
aws ec2 create-security-group --group-name shop-master --description 'stack shop: master'
aws ec2 create-security-group --group-name shop-node --description 'stack shop: node'
aws ec2 authorize-security-group-ingress --group-name shop-master --protocol tcp --port 22 --cidr 198.51.100.7/32
aws ec2 authorize-security-group-ingress --group-name shop-master --ip-permissions 'IpProtocol=tcp,FromPort=22,ToPort=22,Ipv6Ranges=[{CidrIpv6=2001:db8:7::/64}]'
aws ec2 authorize-security-group-ingress --group-name shop-node --protocol tcp --port 22 --cidr 198.51.100.7/32
aws ec2 authorize-security-group-ingress --group-name shop-node --ip-permissions 'IpProtocol=tcp,FromPort=22,ToPort=22,Ipv6Ranges=[{CidrIpv6=2001:db8:7::/64}]'
aws ec2 authorize-security-group-ingress --group-name shop-node --protocol tcp --port 10250 --source-group shop-master
aws ec2 authorize-security-group-ingress --group-name shop-node --ip-permissions 'IpProtocol=tcp,FromPort=10250,ToPort=10250,Ipv6Ranges=[{CidrIpv6=2001:db8::9/128}]'
aws ec2 authorize-security-group-ingress --group-name shop-node --protocol tcp --port 10250 --cidr 198.51.100.7/32
aws ec2 authorize-security-group-ingress --group-name shop-node --ip-permissions 'IpProtocol=tcp,FromPort=10250,ToPort=10250,Ipv6Ranges=[{CidrIpv6=2001:db8:7::/64}]'
aws ec2 authorize-security-group-ingress --group-name shop-node --protocol udp --port 30000-32767 --cidr 0.0.0.0/0
aws ec2 authorize-security-group-ingress --group-name shop-node --ip-permissions 'IpProtocol=udp,FromPort=30000,ToPort=32767,Ipv6Ranges=[{CidrIpv6=::/0}]'
`},
		{"gce has rules of one version", ports.GCE, `== gce.sh
gcloud compute firewall-rules create shop-master-1 --network "$NETWORK" --allow tcp:22 --source-ranges 198.51.100.7/32 --target-tags shop-master
gcloud compute firewall-rules create shop-master-2 --network "$NETWORK" --allow tcp:22 --source-ranges 2001:db8:7::/64 --target-tags shop-master
gcloud compute firewall-rules create shop-node-1 --network "$NETWORK" --allow tcp:22,tcp:10250 --source-ranges 198.51.100.7/32 --target-tags shop-node
gcloud compute firewall-rules create shop-node-2 --network "$NETWORK" --allow tcp:22,tcp:10250 --source-ranges 2001:db8:7::/64 --target-tags shop-node
gcloud compute firewall-rules create shop-node-3 --network "$NETWORK" --allow tcp:10250 --source-tags shop-master --target-tags shop-node
gcloud compute firewall-rules create shop-node-4 --network "$NETWORK" --allow tcp:10250 --source-ranges 2001:db8::9/128 --target-tags shop-node
gcloud compute firewall-rules create shop-node-5 --network "$NETWORK" --allow udp:30000-32767 --source-ranges 0.0.0.0/0 --target-tags shop-node
gcloud compute firewall-rules create shop-node-6 --network "$NETWORK" --allow udp:30000-32767 --source-ranges ::/0 --target-tags shop-node
`},
		{"iptables has a file for each version", ports.IPTables, `== shop-master.rules
# What machines of stack shop let in: master (both, four).
# Now, beside other rules:    iptables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/iptables/rules-save and iptables-restore.service
*filter
:STACKC - [0:0]
-I INPUT -j STACKC
-A STACKC -i lo -j ACCEPT
-A STACKC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A STACKC -p icmp -j ACCEPT
-A STACKC -p tcp --dport 22 -j ACCEPT
-A STACKC -j DROP
COMMIT
== shop-master.rules6
# What machines of stack shop let in: master (both, four).
# Now, beside other rules:    ip6tables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/ip6tables/rules-save and ip6tables-restore.service
*filter
:STACKC - [0:0]
-I INPUT -j STACKC
-A STACKC -i lo -j ACCEPT
-A STACKC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A STACKC -p ipv6-icmp -j ACCEPT
-A STACKC -s fe80::/10 -p udp --dport 546 -j ACCEPT
-A STACKC -p tcp --dport 22 -j ACCEPT
-A STACKC -j DROP
COMMIT
== shop-node.rules
# What machines of stack shop let in: node (six).
# Now, beside other rules:    iptables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/iptables/rules-save and iptables-restore.service
*filter
:STACKC - [0:0]
-I INPUT -j STACKC
-A STACKC -i lo -j ACCEPT
-A STACKC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A STACKC -p icmp -j ACCEPT
-A STACKC -p tcp --dport 22 -j ACCEPT
# agent.service
-A STACKC -s 10.0.0.1 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 10.0.0.2 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 198.51.100.7 -p tcp --dport 10250 -j ACCEPT
# agent.service
-A STACKC -p udp --dport 30000:32767 -j ACCEPT
-A STACKC -j DROP
COMMIT
== shop-node.rules6
# What machines of stack shop let in: node (six).
# Now, beside other rules:    ip6tables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/ip6tables/rules-save and ip6tables-restore.service
*filter
:STACKC - [0:0]
-I INPUT -j STACKC
-A STACKC -i lo -j ACCEPT
-A STACKC -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A STACKC -p ipv6-icmp -j ACCEPT
-A STACKC -s fe80::/10 -p udp --dport 546 -j ACCEPT
-A STACKC -p tcp --dport 22 -j ACCEPT
# agent.service
-A STACKC -s 2001:db8:1::/48 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 2001:db8:7::/64 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 2001:db8::1 -p tcp --dport 10250 -j ACCEPT
-A STACKC -s 2001:db8::9 -p tcp --dport 10250 -j ACCEPT
# agent.service
-A STACKC -p udp --dport 30000:32767 -j ACCEPT
-A STACKC -j DROP
COMMIT
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, rulesOf(t, dual, tt.system, "198.51.100.7", "2001:db8:7::/64")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestTemplateIPv6: a template has a property of its own for it.
func TestTemplateIPv6(t *testing.T) {
	text := rulesOf(t, dual, ports.CloudFormation, "198.51.100.7", "2001:db8:7::/64")
	for word, times := range map[string]int{`"CidrIpv6": "2001:db8:7::/64"`: 3, `"CidrIpv6": "2001:db8::9/128"`: 1, `"CidrIpv6": "::/0"`: 1, `"CidrIp": "0.0.0.0/0"`: 1, `"CidrIp": "198.51.100.7/32"`: 3, `"CidrIp": "2`: 0} {
		if n := strings.Count(text, word); n != times {
			t.Errorf("%s is there %d times, want %d", word, n, times)
		}
	}
}

// TestWithoutIPv6: a stack that has no such address has no such file.
func TestWithoutIPv6(t *testing.T) {
	if text := rulesOf(t, ruled, ports.IPTables, "198.51.100.7"); strings.Contains(text, "ip6tables") {
		t.Error(text)
	}
	if text := rulesOf(t, ruled, ports.IPTables, "2001:db8::/32"); strings.Count(text, "== ") != 4 ||
		!strings.Contains(text, "-A STACKC -s 2001:db8::/32 -p tcp --dport 10250 -j ACCEPT\n") {
		t.Error(text)
	}
}

// TestIP6TablesReads has ip6tables-restore itself read what is written.
func TestIP6TablesReads(t *testing.T) {
	l := listOf(t, dual)
	texts, err := l.Rules(ports.IPTables, l.Groups, []string{"198.51.100.7", "2001:db8:7::/64"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		program := "iptables-restore"
		if strings.HasSuffix(text.Name, ".rules6") {
			program = "ip6tables-restore"
		}
		for _, args := range [][]string{{"--test"}, {"--test", "--noflush"}} {
			if out, err := inNetwork(text.Text, append([]string{program}, args...)...); err != nil {
				t.Errorf("%s %v: %v\n%s\n%s", text.Name, args, err, out, text.Text)
			}
		}
	}
	if out, err := inNetwork(strings.Replace(texts[3].Text, "2001:db8::9", "10.0.0.9", 1), "ip6tables-restore", "--test"); err == nil {
		t.Errorf("it takes anything: %s", out)
	}
}

// TestIP6TablesPackets sends packets of IPv6 to a machine with the rules, as
// TestIPTablesPackets does those of IPv4. The machines find each other by ICMP, which
// must be let in for any answer to come.
func TestIP6TablesPackets(t *testing.T) {
	l := listOf(t, dual)
	texts, err := l.Rules(ports.IPTables, l.Groups, nil)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", "sh", "-euc", `
ip6tables-restore --noflush
unshare --net sleep 300 </dev/null >/dev/null 2>&1 &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
there="nsenter --target $other --net"
ip link set lo up
ip link add here type veth peer name there netns $other
ip link set here up
$there ip link set there up
ip addr add 2001:db8::3/64 dev here nodad
ask() { # from where, port, seconds to wait for an answer, and what to call it
	code=0
	$1 timeout $3 bash -c ": </dev/tcp/2001:db8::3/$2" 2>/dev/null || code=$?
	echo "$4 $2 $code"
}
move() {
	$there ip -6 addr flush dev there scope global
	$there ip addr add $1/64 dev there nodad
}
move 2001:db8::1
ask "$there" 22 60 master
ask "$there" 10250 60 master
ask "$there" 8080 1 master
move 2001:db8::99
ask "$there" 22 60 stranger
ask "$there" 10250 1 stranger
ask "" 8080 60 itself
`)
	cmd.Stdin = strings.NewReader(texts[3].Text)
	out, err := cmd.CombinedOutput()
	const refused, silent = "1", "124"
	want := strings.Join([]string{
		"master 22 " + refused, "master 10250 " + refused, "master 8080 " + silent,
		"stranger 22 " + refused, "stranger 10250 " + silent, "itself 8080 " + refused, "",
	}, "\n")
	if d := cmp.Diff(want, string(out)); err != nil || d != "" {
		t.Errorf("%v; -want +got:\n%s", err, d)
	}
}
