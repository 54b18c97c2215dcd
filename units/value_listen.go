package units

import (
	"net/netip"
	"strconv"
	"strings"
)

// listen judges what a socket listens on (systemd.socket(5), socket-util.c
// socket_address_parse).
func (c *valueCheck) listen() {
	switch c.d.Key {
	case "ListenFIFO", "ListenSpecial", "ListenUSBFunction", "ListenMessageQueue":
		c.path(0)
	case "ListenNetlink": // families differ between kernels
	default:
		c.socketAddress()
	}
}

func (c *valueCheck) socketAddress() {
	s := c.value
	switch {
	case strings.HasPrefix(s, "$"): // somebody meant a variable, which is another fault
	case strings.HasPrefix(s, "/") || strings.HasPrefix(s, "@"):
		if len(s) > 107 {
			c.failWhole("", "a socket's path has at most 107 bytes, and this one %d", len(s))
		}
	case strings.HasPrefix(s, "vsock"):
		c.vsock()
	case strings.Trim(s, digits) == "":
		c.port(0)
	default:
		c.hostPort()
	}
}

// port judges the port that begins at start and goes to the end of the value.
func (c *valueCheck) port(start int) {
	port := c.value[start:]
	if n, err := strconv.ParseUint(port, 10, 64); strings.Trim(port, digits) != "" || err != nil || n < 1 || n > 65535 {
		c.fail(start, len(c.value), "", "%q is not a port from 1 to 65535", port)
	}
}

// vsock judges vsock:CID:PORT; newer systemds take vsock-stream: and others.
func (c *valueCheck) vsock() {
	_, rest, ok := strings.Cut(c.value, ":")
	cid, port, both := strings.Cut(rest, ":")
	_, err1 := strconv.ParseUint(cid, 0, 32)
	_, err2 := strconv.ParseUint(port, 0, 32)
	if !ok || !both || cid != "" && err1 != nil || err2 != nil {
		c.failWhole("", "%q is not of the form vsock:CID:PORT", c.value)
	}
}

// hostPort judges ADDRESS:PORT. Older systemds take the name of a network
// interface for the address.
func (c *valueCheck) hostPort() {
	at := strings.LastIndexByte(c.value, ':')
	if at < 0 {
		c.failWhole("", "%q is neither a port, ADDRESS:PORT, nor a path", c.value)
		return
	}
	host := c.value[:at]
	bare, v6 := strings.CutPrefix(host, "[")
	if v6 {
		bare, v6 = strings.CutSuffix(bare, "]")
	}
	address, err := netip.ParseAddr(bare)
	switch {
	case err == nil && address.Is6() != v6:
		c.fail(0, len(c.value), "write [ADDRESS]:PORT", "an IPv6 address stands in brackets, an IPv4 address without")
	case err != nil && !interfaceName(host):
		c.fail(0, at, "a host name cannot stand here; write the address itself, 127.0.0.1 for localhost", "%q is not an IP address", host)
	default:
		c.port(at + 1)
	}
}

// interfaceName reports whether s looks like the name of a network interface,
// such as lo, eth0 or flannel.1.
func interfaceName(s string) bool {
	if s == "lo" {
		return true
	}
	return s != "" && len(s) < 16 && s[0] > '9' && strings.Trim(s[len(s)-1:], digits) == "" && !strings.ContainsAny(s, "[]:/ ")
}
