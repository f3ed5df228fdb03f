package oidc

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

// errAddress is a connection that the configuration does not allow.
var errAddress = errors.New("the address is not public, and the configuration does not list it")

// addresses says which addresses may be connected to.
type addresses struct {
	any     bool // stint dev
	allowed []netip.Prefix
}

// special are the networks that are not the public Internet, beside those that netip knows by name: of this host, shared
// (CGNAT), for protocols and benchmarks, reserved; and those in which an IPv4 address hides, which a translator would reach.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("fec0::/10"),
	}
}

// control is asked after the name was resolved and before the connection is made, so that what is checked is what is connected
// to: a name that resolves to another address the second time gains nothing.
func (a *addresses) control(_, address string, _ syscall.RawConn) error {
	peer, err := netip.ParseAddrPort(address)
	if err != nil || !a.allows(peer.Addr()) {
		return errAddress
	}
	return nil
}

func (a *addresses) allows(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	holds := func(p netip.Prefix) bool { return p.Contains(ip) }
	if a.any || slices.ContainsFunc(a.allowed, holds) {
		return true
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !slices.ContainsFunc(special(), holds)
}
