package main

import (
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/fleet/tunnel"
)

// sshFlags say how to reach a machine of the cluster by SSH. Without a tunnel the
// others mean nothing, as with fleetctl.
type sshFlags struct {
	tunnel, user, knownHosts string
	strict                   bool
	timeout                  duration
}

func newSSHFlags() sshFlags {
	return sshFlags{strict: true, timeout: duration{tunnel.DefaultTimeout}}
}

func (s *sshFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tunnel", Destination: &s.tunnel, EnvVars: variable("TUNNEL"),
			Usage: "go by SSH through `HOST`, [user@]host[:port] or an alias of ~/.ssh/config, and take endpoints as it sees them"},
		&cli.StringFlag{Name: "ssh-username", Destination: &s.user, EnvVars: variable("SSH_USERNAME"), DefaultText: "of ~/.ssh/config, else " + tunnel.DefaultUser,
			Usage: "log in as `USER`"},
		&cli.StringFlag{Name: "known-hosts-file", Destination: &s.knownHosts, EnvVars: variable("KNOWN_HOSTS_FILE"), DefaultText: "those of OpenSSH and fleetctl",
			Usage: "look for host keys in `FILE`"},
		&cli.BoolFlag{Name: "strict-host-key-checking", Destination: &s.strict, Value: true, EnvVars: variable("STRICT_HOST_KEY_CHECKING"),
			Usage: "connect only to hosts whose keys are known"},
		&cli.GenericFlag{Name: "ssh-timeout", Value: &s.timeout, EnvVars: variable("SSH_TIMEOUT"),
			Usage: "give up an SSH connection after `TIME`"},
	}
}

// open prepares the tunnel, nil when there is to be none.
func (s *sshFlags) open(c *console) (*tunnel.Tunnel, error) {
	if s.tunnel == "" {
		return nil, nil
	}
	config := tunnel.Config{
		Host: s.tunnel, User: s.user, Home: c.getenv("HOME"), Agent: c.getenv("SSH_AUTH_SOCK"),
		Trusting: !s.strict, Timeout: s.timeout.value,
	}
	if s.knownHosts != "" {
		config.KnownHosts = []string{s.knownHosts}
	}
	way, err := tunnel.New(config)
	if err != nil {
		return nil, misuse("", "--tunnel: %w", err)
	}
	return way, nil
}
