package main

// Kubernetes 1.11 (June 2018), its flags by the reference pages of that release. Both spellings of a word's end, - and _, are taken since kubernetes#7281.
// hyperkube is all programs in one file (cmd/hyperkube).
const (
	apiserver111 = `address:address port:number insecure_bind_address:address insecure_port:number bind_address:address secure_port:number
		advertise_address:address admission_control admission_control_config_file enable_admission_plugins disable_admission_plugins
		allow_privileged:bool anonymous_auth:bool apiserver_count:number audit_log_path audit_policy_file authorization_mode
		authorization_policy_file authorization_webhook_config_file basic_auth_file cert_dir client_ca_file cloud_provider cloud_config
		cors_allowed_origins enable_aggregator_routing:bool enable_bootstrap_token_auth:bool enable_garbage_collector:bool
		enable_logs_handler:bool enable_swagger_ui:bool endpoint_reconciler_type etcd_cafile etcd_certfile etcd_keyfile etcd_prefix
		etcd_servers etcd_servers_overrides event_ttl:duration external_hostname feature_gates kubelet_certificate_authority
		kubelet_client_certificate kubelet_client_key kubelet_https:bool kubelet_preferred_address_types kubelet_timeout:duration
		max_requests_inflight:number min_request_timeout:number oidc_issuer_url oidc_client_id profiling:bool proxy_client_cert_file
		proxy_client_key_file request_timeout:duration requestheader_client_ca_file runtime_config service_account_issuer
		service_account_key_file service_account_lookup:bool service_account_signing_key_file service_cluster_ip_range:network
		service_node_port_range storage_backend storage_media_type target_ram_mb:number tls_cert_file tls_cipher_suites tls_min_version
		tls_private_key_file tls_sni_cert_key token_auth_file watch_cache:bool watch_cache_sizes contention_profiling:bool`
	controller111 = `address:address port:number bind_address:address secure_port:number allocate_node_cidrs:bool cert_dir cidr_allocator_type
		cloud_provider cloud_config cluster_cidr:network cluster_name cluster_signing_cert_file cluster_signing_key_file
		concurrent_deployment_syncs:number controllers feature_gates kube_api_burst:number kube_api_qps kubeconfig leader_elect:bool
		leader_elect_lease_duration:duration master min_resync_period:duration node_cidr_mask_size:number
		node_monitor_grace_period:duration node_monitor_period:duration pod_eviction_timeout:duration profiling:bool root_ca_file
		route_reconciliation_period:duration service_account_private_key_file service_cluster_ip_range:network tls_cert_file
		tls_private_key_file use_service_account_credentials:bool`
	scheduler111 = `address:address port:number algorithm_provider config feature_gates kube_api_burst:number kube_api_qps kubeconfig
		leader_elect:bool lock_object_name lock_object_namespace master policy_config_file profiling:bool scheduler_name`
	proxy111 = `bind_address:address cleanup:bool cluster_cidr:network config config_sync_period:duration conntrack_max_per_core:number
		feature_gates healthz_bind_address healthz_port:number hostname_override iptables_sync_period:duration kube_api_burst:number
		kube_api_qps kubeconfig masquerade_all:bool master metrics_bind_address oom_score_adj:number profiling:bool proxy_mode
		proxy_port_range`
	kubelet111 = `address:address port:number allow_privileged:bool anonymous_auth:bool authentication_token_webhook:bool authorization_mode
		bootstrap_kubeconfig cadvisor_port:number cert_dir cgroup_driver cgroup_root client_ca_file cloud_provider cloud_config
		cluster_dns:address cluster_domain cni_bin_dir cni_conf_dir config container_runtime container_runtime_endpoint docker_endpoint
		enable_server:bool eviction_hard fail_swap_on:bool feature_gates file_check_frequency:duration hairpin_mode
		healthz_bind_address:address healthz_port:number hostname_override http_check_frequency:duration kube_reserved kubeconfig
		manifest_url max_open_files:number max_pods:number network_plugin network_plugin_mtu:number node_ip node_labels
		node_status_update_frequency:duration oom_score_adj:number pod_cidr:network pod_infra_container_image pod_manifest_path
		read_only_port:number register_node:bool register_with_taints resolv_conf root_dir rotate_certificates:bool runonce:bool
		serialize_image_pulls:bool streaming_connection_idle_timeout:duration sync_frequency:duration system_reserved tls_cert_file
		tls_private_key_file`
)

func kubeTable111(program string) (table, error) {
	t, err := kubeTable111Exact(program)
	t.dashes = true
	return t, err
}

func kubeTable111Exact(program string) (table, error) {
	switch program {
	case "kube-apiserver":
		return newTable(posixStyle, apiserver111+" "+glogFlags, "etcd_servers"), nil
	case "kube-controller-manager":
		return newTable(posixStyle, controller111+" "+glogFlags), nil
	case "kube-scheduler":
		return newTable(posixStyle, scheduler111+" "+glogFlags), nil
	case "kube-proxy":
		return newTable(posixStyle, proxy111+" "+glogFlags), nil
	case "kubelet":
		return newTable(posixStyle, kubelet111+" "+glogFlags), nil
	}
	return table{}, unknownProgram(program)
}
