package policy

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// decimal is a number as NumericEquals and its kin compare them: exactly, whatever its length. Digits are without leading
// zeros before the point and trailing zeros after it.
type decimal struct {
	negative        bool
	whole, fraction string
}

func parseDecimal(s string) (decimal, bool) {
	d := decimal{}
	s, d.negative = strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	if !allDigits(whole) || point && !allDigits(fraction) {
		return decimal{}, false
	}
	d.whole, d.fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if d.whole == "" && d.fraction == "" {
		d.negative = false
	}
	return d, true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (d decimal) compare(other decimal) int {
	if d.negative != other.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	order := cmp.Or(cmp.Compare(len(d.whole), len(other.whole)), strings.Compare(d.whole, other.whole),
		strings.Compare(d.fraction, other.fraction))
	if d.negative {
		return -order
	}
	return order
}

// instant is a point in time as the date operators compare them.
type instant struct {
	seconds     int64
	nanoseconds int32
}

func (i instant) compare(other instant) int {
	return cmp.Or(cmp.Compare(i.seconds, other.seconds), cmp.Compare(i.nanoseconds, other.nanoseconds))
}

// epochMilliseconds is the count from which a number of an epoch time is taken as milliseconds: as seconds it would lie after
// the year 5000, as milliseconds in 1973.
const epochMilliseconds = 100_000_000_000

// parseInstant reads the W3C profile of ISO 8601 or a count since the epoch. Four digits are a year. A time without a zone is
// UTC.
func parseInstant(s string) (instant, bool) {
	if digits, negative := strings.CutPrefix(s, "-"); allDigits(digits) && (negative || len(digits) != 4) {
		n, err := strconv.ParseInt(s, 10, 64)
		return epochInstant(n), err == nil
	}
	clock := ""
	date, hasClock := s, false
	if i := strings.IndexAny(s, "Tt"); i >= 0 {
		date, clock, hasClock = s[:i], s[i+1:], true
	}
	year, month, day, ok := parseDay(date)
	if !ok {
		return instant{}, false
	}
	t := instant{seconds: time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()}
	if !hasClock {
		return t, true
	}
	seconds, nanoseconds, ok := parseClock(clock)
	return instant{t.seconds + seconds, nanoseconds}, ok && len(date) == len("2006-01-02")
}

func epochInstant(n int64) instant {
	if n > -epochMilliseconds && n < epochMilliseconds {
		return instant{seconds: n}
	}
	t := time.UnixMilli(n)
	return instant{t.Unix(), int32(t.Nanosecond())}
}

func parseDay(s string) (year, month, day int, ok bool) {
	month, day = 1, 1
	if year, ok = digitsOf(s, 4); !ok {
		return 0, 0, 0, false
	}
	if s = s[4:]; s != "" {
		if month, ok = after(s, '-'); !ok || month < 1 || month > 12 {
			return 0, 0, 0, false
		}
		s = s[3:]
	}
	if s != "" {
		if day, ok = after(s, '-'); !ok || len(s) != 3 {
			return 0, 0, 0, false
		}
	}
	last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return year, month, day, day >= 1 && day <= last
}

// parseClock reads hh:mm, optionally with seconds and a fraction, and the zone. It gives the offset from midnight UTC.
func parseClock(s string) (seconds int64, nanoseconds int32, ok bool) {
	zone := ""
	if i := strings.IndexAny(s, "Zz+-"); i >= 0 {
		s, zone = s[:i], s[i:]
	}
	hour, ok := digitsOf(s, 2)
	if !ok || hour > 23 {
		return 0, 0, false
	}
	s = s[2:]
	minute, ok := after(s, ':')
	if !ok || minute > 59 {
		return 0, 0, false
	}
	s = s[3:]
	second := 0
	if s != "" {
		if second, ok = after(s, ':'); !ok || second > 59 {
			return 0, 0, false
		}
		s = s[3:]
	}
	if s != "" {
		if nanoseconds, ok = parseFraction(s); !ok {
			return 0, 0, false
		}
	}
	shift, ok := parseZone(zone)
	return int64(hour*3600 + minute*60 + second - shift), nanoseconds, ok
}

func parseFraction(s string) (int32, bool) {
	digits, found := strings.CutPrefix(s, ".")
	if !found || !allDigits(digits) {
		return 0, false
	}
	n := int32(0)
	for i := range 9 {
		n *= 10
		if i < len(digits) {
			n += int32(digits[i] - '0')
		}
	}
	return n, true
}

// parseZone gives the seconds by which a zone is ahead of UTC.
func parseZone(s string) (int, bool) {
	if s == "" || s == "Z" || s == "z" {
		return 0, true
	}
	hours, ok := digitsOf(s[1:], 2)
	if !ok || hours > 23 {
		return 0, false
	}
	rest := strings.TrimPrefix(s[3:], ":")
	minutes, ok := digitsOf(rest, 2)
	if !ok || len(rest) != 2 || minutes > 59 {
		return 0, false
	}
	shift := hours*3600 + minutes*60
	switch s[0] {
	case '+':
		return shift, true
	case '-':
		return -shift, true
	}
	return 0, false
}

// after reads a separator and two digits.
func after(s string, separator byte) (int, bool) {
	if s == "" || s[0] != separator {
		return 0, false
	}
	return digitsOf(s[1:], 2)
}

// digitsOf reads a number of exactly so many digits at the beginning of s.
func digitsOf(s string, count int) (int, bool) {
	if len(s) < count || !allDigits(s[:count]) {
		return 0, false
	}
	n := 0
	for i := range count {
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func parseBool(s string) (value, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// mappedBits are those of ::ffff:0:0/96, which holds the IPv4 addresses.
const mappedBits = 96

// parsePrefix reads an address range in CIDR notation or a single address. Bits beyond the length are ignored. What is written
// inside ::ffff:0:0/96 is IPv4, as it is in a request.
func parsePrefix(s string) (netip.Prefix, bool) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if p.Addr().Is4In6() && p.Bits() >= mappedBits {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
		}
		return p.Masked(), err == nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), true
}
