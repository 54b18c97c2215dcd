// Command stackc compiles stack files into systemd units and brings a fleet
// cluster to them.
package main

import "os"

func main() {
	os.Exit(run(thisProcess()))
}
