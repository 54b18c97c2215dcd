package fleet

import "crypto/tls"

// ClientTLS gives the TLS settings of a connection, for others that go to the same
// cluster.
func ClientTLS(c Config) (*tls.Config, error) { return c.tls() }
