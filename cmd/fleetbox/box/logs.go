package box

import (
	"io"
	"log"
	_ "unsafe" // for go:linkname

	"github.com/coreos/etcd/wal"
	"github.com/coreos/fleet/version"
	"github.com/coreos/pkg/capnslog"

	_ "github.com/coreos/fleet/log" // the logger below is its own
)

// fleetLogger is the logger of fleet's log package, which offers no way to send it elsewhere than
// to standard error.
//
//go:linkname fleetLogger github.com/coreos/fleet/log.logger
var fleetLogger *log.Logger

// walSegment is how much etcd reserves for its log at a time, instead of 64 MB.
const walSegment = 4 << 20

// SetUp prepares the process, once and before the first box: fleet's and etcd's logs go to w (nil:
// nowhere), fleet calls itself 1.0.0 as a
// release build of it does, and etcd takes little room.
func SetUp(w io.Writer) {
	level := capnslog.INFO
	if w == nil {
		w, level = io.Discard, capnslog.CRITICAL
	}
	fleetLogger.SetOutput(w)
	capnslog.SetFormatter(capnslog.NewPrettyFormatter(w, false))
	capnslog.SetGlobalLogLevel(level)
	version.Version = fleetVersion
	wal.SegmentSizeBytes = walSegment
}
