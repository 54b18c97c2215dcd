// Package client forwards the import path under which fleet v1.0.0 knows the
// etcd v2 client to the maintained one, go.etcd.io/etcd/client/v2. It exists so
// that one binary holds one etcd client; it has no code of its own.
package client

import etcd "go.etcd.io/etcd/client/v2"

// The types of the v2 keys API that fleet's registry names.
type (
	Client               = etcd.Client
	Config               = etcd.Config
	ClusterError         = etcd.ClusterError
	CancelableTransport  = etcd.CancelableTransport
	Error                = etcd.Error
	KeysAPI              = etcd.KeysAPI
	MembersAPI           = etcd.MembersAPI
	Node                 = etcd.Node
	Nodes                = etcd.Nodes
	PrevExistType        = etcd.PrevExistType
	Response             = etcd.Response
	Watcher              = etcd.Watcher
	WatcherOptions       = etcd.WatcherOptions
	CreateInOrderOptions = etcd.CreateInOrderOptions
	DeleteOptions        = etcd.DeleteOptions
	GetOptions           = etcd.GetOptions
	SetOptions           = etcd.SetOptions
)

// The values that fleet's registry compares with or passes on.
const (
	PrevIgnore  = etcd.PrevIgnore
	PrevExist   = etcd.PrevExist
	PrevNoExist = etcd.PrevNoExist

	ErrorCodeKeyNotFound       = etcd.ErrorCodeKeyNotFound
	ErrorCodeTestFailed        = etcd.ErrorCodeTestFailed
	ErrorCodeNodeExist         = etcd.ErrorCodeNodeExist
	ErrorCodeEventIndexCleared = etcd.ErrorCodeEventIndexCleared
)

// New returns a client for the given configuration, see go.etcd.io/etcd/client/v2.
func New(cfg Config) (Client, error) { return etcd.New(cfg) }

// NewKeysAPI returns the keys API of c.
func NewKeysAPI(c Client) KeysAPI { return etcd.NewKeysAPI(c) }

// NewMembersAPI returns the members API of c.
func NewMembersAPI(c Client) MembersAPI { return etcd.NewMembersAPI(c) }
