package main

import (
	"runtime"
	"slices"
	"time"
)

// inTurns times two things in turns, after each has run once, and returns the medians.
func inTurns(rounds int, a, b func() error) (time.Duration, time.Duration, error) {
	var as, bs []time.Duration
	for i := range rounds + 1 {
		for _, x := range []struct {
			do    func() error
			times *[]time.Duration
		}{{a, &as}, {b, &bs}} {
			runtime.GC()
			start := time.Now()
			if err := x.do(); err != nil {
				return 0, 0, err
			}
			if i > 0 {
				*x.times = append(*x.times, time.Since(start))
			}
		}
	}
	return median(as), median(bs), nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
