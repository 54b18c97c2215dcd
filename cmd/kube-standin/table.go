package main

import (
	"fmt"
	"strings"
)

// style is the flag library of a program, which decides how a command line is read.
type style int

const (
	// goStyle is Go's flag package: one or two dashes, and the first word that is no flag ends the parsing.
	goStyle style = iota
	// posixStyle is spf13/pflag: two dashes, and other words may stand between flags.
	posixStyle
)

// kind is how a flag's value is checked.
type kind int

const (
	text kind = iota
	boolean
	number
	address
	network
	duration
)

// table is what one program of one release accepts: names as that release spells them.
type table struct {
	style style
	flags map[string]kind
	// required flags end the program when they are missing, as the real one does.
	required []string
	// dashes says whether '-' is taken for '_' inside a name.
	//
	// Kubernetes began to take both spellings with pull request 7281 ("Make flags accept - or _ between words"), merged 2015-04-28, after 0.15.0 was
	// tagged: the real 0.15.0 knows the underscore alone. The offline guide writes dashes throughout (it was edited after the release it names), so the
	// stand-in takes both where the guide's only fault is the dash, and still refuses names that 0.15 does not have in any spelling.
	dashes bool
}

// programs names the roles in the order help prints them.
var programs = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kube-register", "flanneld", "flannel", "setup-network-environment"}

// Flags that several programs share.
const (
	// glog's own flags and version, in every Kubernetes program (github.com/golang/glog, pkg/version/verflag).
	glogFlags = `logtostderr:bool alsologtostderr:bool stderrthreshold v:number vmodule log_dir log_backtrace_at log_flush_frequency:duration version:bool`
	// pkg/client flags.go BindClientConfigFlags.
	clientFlags = `master api_version insecure_skip_tls_verify:bool client_certificate client_key certificate_authority`
	// pkg/client flags.go BindKubeletClientConfigFlags.
	kubeletClientFlags = `kubelet_https:bool kubelet_port:number kubelet_timeout:duration kubelet_client_certificate kubelet_client_key kubelet_certificate_authority`
	// flannel 0.2 to 0.5 main.go; 0.1 said etcd-endpoint.
	flannelFlags = `etcd-endpoints etcd-prefix etcd-keyfile etcd-certfile etcd-cafile subnet-file iface ip-masq:bool help:bool version:bool logtostderr:bool alsologtostderr:bool v:number`
	// kube-register 0.0.2 and 0.0.3 main.go.
	registerFlags = `api-endpoint fleet-endpoint metadata sync-interval:number healthz-port:number reverse-lookup:bool version:bool`
)

// Kubernetes 0.7 (December 2014). --portal_net is the service range; the proxy and the kubelet read etcd.
const (
	apiserver07 = `address:address port:number public_address_override read_only_port:number api_rate api_burst:number secure_port:number tls_cert_file
		tls_private_key_file api_prefix storage_version cloud_provider cloud_config health_check_minions:bool event_ttl:duration token_auth_file
		authorization_mode authorization_policy_file admission_control admission_control_config_file etcd_servers etcd_config cors_allowed_origins
		allow_privileged:bool portal_net:network enable_logs_support:bool runtime_config master_service_namespace ` + kubeletClientFlags
	controller07 = `address:address port:number cloud_provider cloud_config minion_regexp machines node_sync_period:duration resource_quota_sync_period:duration
		node_milli_cpu:number node_memory ` + clientFlags + ` ` + kubeletClientFlags
	scheduler07 = `address:address port:number algorithm_provider policy_config_file ` + clientFlags
	proxy07     = `etcd_servers etcd_config bind_address:address oom_score_adj:number ` + clientFlags
	kubelet07   = `config sync_frequency:duration file_check_frequency:duration http_check_frequency:duration manifest_url enable_server:bool address:address
		port:number hostname_override network_container_image docker_endpoint etcd_servers etcd_config root_dir allow_privileged:bool registry_qps
		registry_burst:number runonce:bool enable_debugging_handlers:bool minimum_container_ttl_duration:duration
		maximum_dead_containers_per_container:number auth_path cadvisor_port:number oom_score_adj:number api_servers cluster_domain cluster_dns:address
		master_service_namespace`
)

// Kubernetes 0.15 (April 2015). Still --portal_net: --service_cluster_ip_range came with 0.18 (pull request 8740). The proxy and the kubelet have had no
// --etcd_servers since pull request 5252 (0.14); the kubelet's /healthz has its own port (pull request 6851).
const (
	apiserver015 = `address:address port:number insecure_bind_address:address insecure_port:number bind_address:address public_address_override:address
		read_only_port:number api_rate api_burst:number secure_port:number tls_cert_file tls_private_key_file api_prefix storage_version
		old_etcd_prefix etcd_prefix cloud_provider cloud_config event_ttl:duration client_ca_file basic_auth_file token_auth_file authorization_mode
		authorization_policy_file admission_control admission_control_config_file etcd_servers etcd_config cors_allowed_origins allow_privileged:bool
		portal_net:network enable_logs_support:bool master_service_namespace runtime_config cluster_name profiling:bool external_hostname
		` + kubeletClientFlags
	controller015 = `address:address port:number cloud_provider cloud_config minion_regexp node_sync_period:duration resource_quota_sync_period:duration
		namespace_sync_period:duration pod_eviction_timeout:duration deleting_pods_qps deleting_pods_burst:number register_retry_count:number
		node_monitor_grace_period:duration node_startup_grace_period:duration node_monitor_period:duration machines sync_nodes:bool
		sync_node_status:bool node_milli_cpu:number node_memory cluster_name cluster_cidr:network allocate_node_cidrs:bool kubeconfig profiling:bool
		` + clientFlags + ` ` + kubeletClientFlags
	scheduler015 = `address:address port:number algorithm_provider policy_config_file kubeconfig profiling:bool ` + clientFlags
	proxy015     = `bind_address:address healthz_port:number oom_score_adj:number resource_container kubeconfig ` + clientFlags
	kubelet015   = `config sync_frequency:duration file_check_frequency:duration http_check_frequency:duration manifest_url enable_server:bool address:address
		port:number hostname_override pod_infra_container_image docker_endpoint root_dir allow_privileged:bool host_network_sources registry_qps
		registry_burst:number runonce:bool enable_debugging_handlers:bool minimum_container_ttl_duration:duration
		maximum_dead_containers_per_container:number maximum_dead_containers:number auth_path kubeconfig cadvisor_port:number healthz_port:number
		healthz_bind_address:address oom_score_adj:number api_servers cluster_domain cluster_dns:address master_service_namespace
		streaming_connection_idle_timeout:duration node_status_update_frequency:duration image_gc_high_threshold:number
		image_gc_low_threshold:number network_plugin cloud_provider cloud_config tls_cert_file tls_private_key_file cert_dir resource_container
		cgroup_root`
)

// lookupTable returns what the program accepts in the release.
func lookupTable(release, program string) (table, error) {
	switch program {
	case "kube-register":
		return newTable(goStyle, registerFlags, "api-endpoint", "fleet-endpoint"), nil
	case "flanneld", "flannel":
		return newTable(goStyle, flannelFlags), nil
	case "setup-network-environment":
		return newTable(goStyle, "o"), nil
	}
	switch release {
	case "0.7":
		return kubeTable07(program)
	case "0.15":
		return kubeTable015(program)
	case "1.11":
		return kubeTable111(program)
	}
	return table{}, fmt.Errorf("no stand-in for release %q: there are 0.7, 0.15 and 1.11", release)
}

func kubeTable07(program string) (table, error) {
	switch program {
	case "kube-apiserver":
		return newTable(goStyle, apiserver07+" "+glogFlags, "portal_net", "etcd_servers"), nil
	case "kube-controller-manager":
		return newTable(goStyle, controller07+" "+glogFlags, "master"), nil
	case "kube-scheduler":
		return newTable(goStyle, scheduler07+" "+glogFlags, "master"), nil
	case "kube-proxy":
		return newTable(goStyle, proxy07+" "+glogFlags), nil
	case "kubelet":
		return newTable(goStyle, kubelet07+" "+glogFlags), nil
	}
	return table{}, unknownProgram(program)
}

func kubeTable015(program string) (table, error) {
	t, err := kubeTable015Exact(program)
	t.dashes = true
	return t, err
}

func kubeTable015Exact(program string) (table, error) {
	switch program {
	case "kube-apiserver":
		return newTable(posixStyle, apiserver015+" "+glogFlags, "portal_net", "etcd_servers"), nil
	case "kube-controller-manager":
		return newTable(posixStyle, controller015+" "+glogFlags, "master"), nil
	case "kube-scheduler":
		return newTable(posixStyle, scheduler015+" "+glogFlags, "master"), nil
	case "kube-proxy":
		return newTable(posixStyle, proxy015+" "+glogFlags), nil
	case "kubelet":
		return newTable(posixStyle, kubelet015+" "+glogFlags), nil
	}
	return table{}, unknownProgram(program)
}

func unknownProgram(name string) error {
	return fmt.Errorf("no stand-in for a program named %q: install it as one of %s", name, strings.Join(programs, ", "))
}

// newTable reads a list of "name" or "name:kind" words.
func newTable(s style, list string, required ...string) table {
	kinds := map[string]kind{"": text, "bool": boolean, "number": number, "address": address, "network": network, "duration": duration}
	t := table{style: s, flags: map[string]kind{}, required: required}
	for _, word := range strings.Fields(list) {
		name, k, _ := strings.Cut(word, ":")
		t.flags[name] = kinds[k]
	}
	return t
}
