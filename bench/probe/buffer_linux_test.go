package probe

import (
	"net"
	"testing"
)

func TestReadBuffer(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for asked, cut := range map[int]bool{16 << 10: false, 1 << 30: true} {
		if err := c.SetReadBuffer(asked); err != nil {
			t.Fatal(err)
		}
		if got, err := readBuffer(c); err != nil || got < 4<<10 || got < asked != cut || got > asked {
			t.Errorf("asked for %d: %d, %v", asked, got, err)
		}
	}
}
