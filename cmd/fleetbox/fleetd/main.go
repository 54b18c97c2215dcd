// Command fleetd is fleet v1.0.0's own daemon, built by this module.
package main

import "github.com/coreos/fleet/fleetd"

func main() {
	fleetd.Main()
}
