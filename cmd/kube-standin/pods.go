package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// pods starts the static pods of a directory, as a kubelet does: each container's
// command, which is one of hyperkube, is played in this process until ctx ends. Files
// that come later are not seen. running is done when all have ended.
func (p player) pods(ctx context.Context, dir string, running *sync.WaitGroup) error {
	if dir == "" {
		return nil
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var pod struct {
			Kind string
			Spec struct{ Containers []struct{ Command []string } }
		}
		if err := json.Unmarshal(text, &pod); err != nil || pod.Kind != "Pod" || len(pod.Spec.Containers) == 0 {
			return fmt.Errorf("%s is no pod (%v)", path, err)
		}
		for _, c := range pod.Spec.Containers {
			if len(c.Command) == 0 || filepath.Base(c.Command[0]) != "hyperkube" {
				return fmt.Errorf("%s runs %q, which the stand-in cannot play", path, c.Command)
			}
			h := p.host
			h.args = c.Command
			p.logf("starts the pod of %s", path)
			running.Go(func() {
				if code := run(ctx, h); code != exitOK {
					p.logf("the pod of %s ended with %d", path, code)
				}
			})
		}
	}
	return nil
}
