module github.com/stackc/stackc/cmd/cloudinit

go 1.26.0

require github.com/coreos/coreos-cloudinit v1.14.0

require (
	github.com/coreos/go-systemd v0.0.0-00010101000000-000000000000 // indirect
	github.com/coreos/go-systemd/v22 v22.7.0 // indirect
	github.com/coreos/yaml v0.0.0-20141224210557-6b16a5714269 // indirect
	github.com/dotcloud/docker v0.0.0-00010101000000-000000000000 // indirect
	github.com/godbus/dbus/v5 v5.1.0 // indirect
	gopkg.in/check.v1 v1.0.0-20201130134442-10cb98267c6c // indirect
)

// What coreos-cloudinit was written against and no module holds any more.
replace (
	github.com/coreos/go-systemd => ./systemd
	github.com/dotcloud/docker => ./netlink
)
