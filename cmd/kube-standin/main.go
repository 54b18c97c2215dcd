// Command kube-standin stands in for the Kubernetes programs of the guides where the real binaries cannot be had: it is not Kubernetes. Installed under a
// program's name it takes that program's command line as the release it was linked for would, refuses what that release refuses, listens where the flags say,
// and answers /healthz only when what the real program depends on answers too.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// release is the Kubernetes release played, "0.7", "0.15" or "1.11"; the linker sets it (-X main.release=0.15), so that a binary cannot be talked into another one.
var release = "0.15"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(run(ctx, host{args: os.Args, release: release, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, etc: "/etc/kube-standin"}))
}
