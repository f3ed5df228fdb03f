// Command put is what every write to an embedded etcd takes: it puts a value of a user's size for each line that it reads, and
// writes how long that took.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

func main() {
	cfg := embed.NewConfig()
	cfg.Dir = os.Args[1]
	self := url.URL{Scheme: "http", Host: "localhost:0"}
	cfg.AdvertisePeerUrls, cfg.InitialCluster = []url.URL{self}, cfg.Name+"="+self.String()
	cfg.ListenPeerUrls, cfg.ListenClientUrls, cfg.AdvertiseClientUrls = nil, nil, nil
	cfg.EnableGRPCGateway = false
	cfg.LogLevel = "error"
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer etcd.Close()
	<-etcd.Server.ReadyNotify()
	client := v3client.New(etcd.Server)
	value := strings.Repeat("x", 250)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		began := time.Now()
		if _, err := client.Put(context.Background(), "user-"+lines.Text(), value); err != nil {
			log.Fatal(err)
		}
		fmt.Println(time.Since(began))
	}
}
