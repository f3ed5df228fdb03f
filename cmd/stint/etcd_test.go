package main

import (
	"net/url"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// etcd runs a cluster of one for the rest of the script and sets $ETCD to its client URL.
func etcd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: etcd")
	}
	free := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(ts.MkAbs("."), "etcd")
	cfg.ListenClientUrls, cfg.ListenPeerUrls = []url.URL{free}, []url.URL{free}
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	server, err := embed.StartEtcd(cfg)
	ts.Check(err)
	ts.Defer(server.Close)
	<-server.Server.ReadyNotify()
	ts.Setenv("ETCD", "http://"+server.Clients[0].Addr().String())
}
