package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kubeconfig is the part of a client's configuration that the stand-ins use (k8s.io/client-go/tools/clientcmd/api/v1).
type kubeconfig struct {
	Clusters []struct {
		Name    string
		Cluster struct {
			Server string
			CA     string `yaml:"certificate-authority"`
			CAData string `yaml:"certificate-authority-data"`
		}
	}
	Users []struct {
		Name string
		User struct {
			Cert     string `yaml:"client-certificate"`
			CertData string `yaml:"client-certificate-data"`
			Key      string `yaml:"client-key"`
			KeyData  string `yaml:"client-key-data"`
			Token    string
		}
	}
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User string }
	}
	Current string `yaml:"current-context"`
}

// client is how a program reaches the apiserver.
type client struct {
	server string
	http   *http.Client
	token  string
}

// readKubeconfig makes a client of the current context of a file.
func readKubeconfig(path string) (client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return client{}, err
	}
	var c kubeconfig
	if err := yaml.Unmarshal(text, &c); err != nil {
		return client{}, fmt.Errorf("%s: %w", path, err)
	}
	made, err := c.client()
	if err != nil {
		return client{}, fmt.Errorf("%s: %w", path, err)
	}
	return made, nil
}

func (c kubeconfig) client() (client, error) {
	cluster, user := "", ""
	for _, x := range c.Contexts {
		if x.Name == c.Current {
			cluster, user = x.Context.Cluster, x.Context.User
		}
	}
	made, config := client{}, &tls.Config{MinVersion: tls.VersionTLS12}
	for _, x := range c.Clusters {
		if x.Name != cluster {
			continue
		}
		made.server = strings.TrimRight(x.Cluster.Server, "/")
		ca, err := dataOrFile(x.Cluster.CAData, x.Cluster.CA)
		if err != nil {
			return client{}, err
		}
		if config.RootCAs, err = pool(ca); err != nil {
			return client{}, err
		}
	}
	if made.server == "" {
		return client{}, errors.New("the current context names no server")
	}
	for _, x := range c.Users {
		if x.Name != user {
			continue
		}
		made.token = x.User.Token
		cert, err := dataOrFile(x.User.CertData, x.User.Cert)
		if err != nil {
			return client{}, err
		}
		key, err := dataOrFile(x.User.KeyData, x.User.Key)
		if err != nil {
			return client{}, err
		}
		if len(cert) > 0 {
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				return client{}, err
			}
			config.Certificates = []tls.Certificate{pair}
		}
	}
	made.http = &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	return made, nil
}

// dataOrFile returns what a kubeconfig embeds, or what stands in the file it names.
func dataOrFile(data, file string) ([]byte, error) {
	if data != "" {
		return base64.StdEncoding.DecodeString(data)
	}
	if file != "" {
		return os.ReadFile(file)
	}
	return nil, nil
}

// pool returns the certificates of a PEM text, nil for an empty one.
func pool(text []byte) (*x509.CertPool, error) {
	if len(text) == 0 {
		return nil, nil
	}
	certs := x509.NewCertPool()
	if !certs.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in it")
	}
	return certs, nil
}
