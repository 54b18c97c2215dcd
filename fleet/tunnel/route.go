package tunnel

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kevinburke/ssh_config"
)

// hop is one SSH server on the way.
type hop struct {
	user, host, port string
	// name is what its key is known by: HostKeyAlias, else the host.
	name string
	// identities are files of private keys; only says that the agent's other keys are
	// not to be offered (IdentitiesOnly).
	identities []string
	only       bool
	agent      string
	known      []string
	trusting   bool
	timeout    time.Duration
}

// String gives user@host:port, without the usual port.
func (h hop) String() string {
	if h.port == "22" {
		return h.user + "@" + h.host
	}
	return h.user + "@" + net.JoinHostPort(h.host, h.port)
}

func (h hop) address() string { return net.JoinHostPort(h.host, h.port) }

// maxJumps bounds jump hosts of jump hosts.
const maxJumps = 8

// routeTo works out the way to a host, by the words of ssh_config(5) that matter for
// it: HostName, User, Port, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump,
// HostKeyAlias, UserKnownHostsFile and GlobalKnownHostsFile.
func routeTo(c Config) ([]hop, error) {
	files, err := readConfig(filepath.Join(c.Home, ".ssh", "config"), "/etc/ssh/ssh_config")
	if err != nil {
		return nil, err
	}
	return c.route(files, c.Host, c.User, 0)
}

func (c Config) route(files configs, text, user string, depth int) ([]hop, error) {
	if depth > maxJumps {
		return nil, fmt.Errorf("the jump hosts of %s go round in a circle", text)
	}
	alias, given, port, err := splitHost(text)
	if err != nil {
		return nil, err
	}
	if command := files.get(alias, "ProxyCommand"); command != "" && command != "none" {
		return nil, fmt.Errorf("ProxyCommand of %s in ~/.ssh/config is not supported, ProxyJump is", alias)
	}
	h := hop{
		user:     cmp.Or(given, user, files.get(alias, "User"), DefaultUser),
		host:     cmp.Or(strings.ReplaceAll(files.get(alias, "HostName"), "%h", alias), alias),
		port:     cmp.Or(port, files.get(alias, "Port"), "22"),
		only:     strings.EqualFold(files.get(alias, "IdentitiesOnly"), "yes"),
		agent:    c.agentOf(files.get(alias, "IdentityAgent")),
		trusting: c.Trusting, timeout: cmp.Or(c.Timeout, DefaultTimeout),
	}
	h.name = cmp.Or(files.get(alias, "HostKeyAlias"), h.host)
	h.identities = c.identities(h, files.getAll(alias, "IdentityFile"))
	h.known = c.knownFiles(h, files, alias)
	var route []hop
	if jump := files.get(alias, "ProxyJump"); jump != "" && jump != "none" {
		for one := range strings.SplitSeq(jump, ",") {
			// Of several only the first goes by its own ProxyJump.
			hops, err := c.route(files, strings.TrimPrefix(strings.TrimSpace(one), "ssh://"), "", depth+1)
			if err != nil {
				return nil, err
			}
			if len(route) > 0 {
				hops = hops[len(hops)-1:]
			}
			route = append(route, hops...)
		}
	}
	return append(route, h), nil
}

// splitHost cuts [USER@]HOST[:PORT], where HOST may be [IPv6].
func splitHost(text string) (host, user, port string, err error) {
	host = text
	if i := strings.LastIndex(text, "@"); i >= 0 {
		user, host = text[:i], text[i+1:]
	}
	switch {
	case strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]"):
		host = host[1 : len(host)-1]
	case strings.Count(host, ":") == 1 || strings.HasPrefix(host, "["):
		if host, port, err = net.SplitHostPort(host); err != nil {
			return "", "", "", fmt.Errorf("%q is not HOST:PORT", text)
		}
	}
	if n, e := strconv.Atoi(cmp.Or(port, "22")); host == "" || e != nil || n < 1 || n > 65535 {
		return "", "", "", fmt.Errorf("%q is not [USER@]HOST[:PORT]", text)
	}
	return host, user, port, nil
}

// agentOf is the agent's socket by IdentityAgent of ssh_config(5).
func (c Config) agentOf(said string) string {
	switch {
	case said == "" || said == "SSH_AUTH_SOCK":
		return c.Agent
	case said == "none" || strings.HasPrefix(said, "$"):
		return ""
	}
	return c.expand(said, hop{})
}

// identities are the key files: those that are said, else the usual ones.
func (c Config) identities(h hop, said []string) []string {
	var list []string
	for _, name := range said {
		if name != "none" {
			list = append(list, c.expand(name, h))
		}
	}
	if len(said) == 0 {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			list = append(list, filepath.Join(c.Home, ".ssh", name))
		}
	}
	return list
}

// knownFiles are the files of known hosts that exist. A file that was asked for and is
// not there is an empty one, as it is for OpenSSH.
func (c Config) knownFiles(h hop, files configs, alias string) []string {
	list := c.KnownHosts
	if len(list) == 0 {
		user := cmp.Or(files.get(alias, "UserKnownHostsFile"), "~/.ssh/known_hosts ~/.ssh/known_hosts2")
		global := cmp.Or(files.get(alias, "GlobalKnownHostsFile"), "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
		list = append(strings.Fields(user+" "+global), "~/.fleetctl/known_hosts")
	}
	var there []string
	for _, name := range list {
		path := c.expand(name, h)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			there = append(there, path)
		}
	}
	return there
}

// expand puts in what OpenSSH puts into names of files.
func (c Config) expand(name string, h hop) string {
	name = strings.Trim(name, `"`)
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(c.Home, rest)
	}
	return strings.NewReplacer("%%", "%", "%d", c.Home, "%h", h.host, "%p", h.port, "%r", h.user).Replace(name)
}

// configs are ~/.ssh/config and the system's file; the first that says something wins.
type configs []*ssh_config.Config

func readConfig(paths ...string) (configs, error) {
	var list configs
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, err := ssh_config.DecodeBytes(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list = append(list, c)
	}
	return list, nil
}

func (c configs) get(alias, key string) string {
	for _, file := range c {
		if value, err := file.Get(alias, key); err == nil && value != "" {
			return value
		}
	}
	return ""
}

func (c configs) getAll(alias, key string) []string {
	var list []string
	for _, file := range c {
		if values, err := file.GetAll(alias, key); err == nil {
			list = append(list, values...)
		}
	}
	return list
}
