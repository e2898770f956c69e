package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

type kind struct {
	name string
	file string
	args []string // the arguments of the import, after "import"
	// merges is true if the second import merges the second edition with the output. Otherwise, the
	// second import replaces the output.
	merges  bool
	most    int // the largest number of rows that an order file can have, or 0
	head    string
	row     func(i int, name string) string
	foot    string
	charset *charmap.Charmap
}

var head = []string{"--id", "bench/list", "--authority", "Example Authority", "--scope-country", "IT"}

var kinds = []kind{
	{name: "fr-anj", file: "anj.csv", args: []string{"register", "fr-anj"}, merges: true,
		head: "\uFEFFSITE;URL;DATE DE LA DECISION\r\n", row: anj("")},
	{name: "fr-anj, URLs", file: "anj-urls.csv", args: []string{"register", "fr-anj"}, merges: true,
		head: "\uFEFFSITE;URL;DATE DE LA DECISION\r\n", row: anj("https://")},
	{name: "ua-playcity", file: "playcity.csv", args: []string{"register", "ua-playcity"}, merges: true,
		head: "\uFEFFДомен,Статус,Рішення ПлейСіті,Рішення НКЕК,Останнє оновлення\n", row: playcity},
	{name: "lt", file: "lt.csv", args: []string{"register", "lt"}, merges: true,
		head: "domain,institution\n", row: func(i int, name string) string {
			return name + "," + []string{"LPT", "Lietuvos bankas", "RTK", "VVTAT"}[i%4] + "\n"
		}},
	{name: "ru-csv", file: "dump.csv", args: []string{"register", "ru-csv"}, merges: true, charset: charmap.Windows1251,
		head: "Updated: 2026-01-02 12:00:00 +0000\n", row: rkn},
	{name: "ru-xml", file: "dump.xml", args: []string{"register", "ru-xml"}, merges: true, charset: charmap.Windows1251,
		head: `<?xml version="1.0" encoding="windows-1251"?>` + "\n" + `<reg:register xmlns:reg="http://rsoc.ru" updateTime="2026-01-02T12:00:00+03:00">` + "\n",
		row:  rknXML, foot: "</reg:register>\n"},
	{name: "pl-hazard", file: "hazard.xml", args: []string{"register", "pl-hazard"}, merges: true,
		head: `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Rejestr xmlns="http://www.hazard.mf.gov.pl/2017/03/21/">` + "\n",
		row: func(i int, name string) string {
			return fmt.Sprintf("<PozycjaRejestru Lp=\"%d\"><AdresDomeny>%s</AdresDomeny><DataWpisu>%sT%02d:%02d:00</DataWpisu></PozycjaRejestru>\n", i+1, name, day(i/500), 8+i/40%10, i%60)
		}, foot: "</Rejestr>\n"},
	{name: "hosts", file: "hosts", args: append([]string{"hosts"}, head...), merges: true, most: 139_900,
		head: "127.0.0.1 localhost\n", row: func(_ int, name string) string { return "0.0.0.0 " + name + "\n" }},
	{name: "rpz", file: "list.rpz", args: append([]string{"rpz"}, head...), merges: true,
		head: "$TTL 60\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n",
		row:  func(_ int, name string) string { return name + " CNAME .\n*." + name + " CNAME .\n" }},
	{name: "adblock", file: "adblock.txt", args: append([]string{"adblock"}, head...), merges: true,
		head: "[Adblock Plus 2.0]\n! Title: Example\n", row: func(_ int, name string) string { return "||" + name + "^\n" }},
	{name: "csv", file: "list.csv", args: append([]string{"csv", "--column", "Domain"}, head...), merges: true,
		head: "Number,Domain,Remark\n", row: func(i int, name string) string {
			return fmt.Sprintf("%d,%s,\"Remark, %d\"\n", i+1, name, i%1000)
		}},
	{name: "domains", file: "list.txt", args: append([]string{"domains"}, head...),
		row: func(_ int, name string) string { return name + "\n" }},
}

func day(n int) string { return fmt.Sprintf("%d-%02d-%02d", 2018+n/336%8, 1+n/28%12, 1+n%28) }

// anj returns a row of the French register.
func anj(scheme string) func(int, string) string {
	return func(i int, name string) string {
		d := day(i / 600)
		return fmt.Sprintf("%s;%s%s%s;%s/%s/%s\r\n", strings.ToUpper(strings.SplitN(name, ".", 2)[0]), scheme, []string{"", "www."}[i%2], name, d[8:], d[5:7], d[:4])
	}
}

// playcity returns a row of the Ukrainian register.
func playcity(i int, name string) string {
	if i%10 == 8 {
		return name + ",Перевірка,,,2025-11-05\n"
	}
	n := i / 2000
	d := day(n)
	date := d[8:] + "." + d[5:7] + "." + d[:4]
	notice := "від " + date + " №" + fmt.Sprint(n+100)
	if i%8 == 0 {
		notice = "\"" + date + " на офіційному\nвебсайті НКЕК розміщено повідомлення\""
	}
	return fmt.Sprintf("%s,Заблокований,від %s №%d-Р,%s,%s\n", name, date, n+1, notice, d)
}

const rowsOfDecisions, decisions = 25, 16

func decision(i int) (org, number, date string) {
	n := i/rowsOfDecisions*decisions + i%rowsOfDecisions*decisions/rowsOfDecisions
	return []string{"ФНС", "Роскомнадзор", "МВД", "Генпрокуратура", "суд"}[n%5], fmt.Sprintf("2-6-27/2016-%d-%d", n%97, n), day(n / 300)
}

// rkn returns a row of the Russian table.
func rkn(i int, name string) string {
	org, number, date := decision(i)
	address := fmt.Sprintf("203.0.113.%d | 198.51.100.%d", i%250+1, i/7%250+1)
	switch i % 4 {
	case 0:
		return fmt.Sprintf("%s;%s;;%s;%s;%s\n", address, name, org, number, date)
	case 1:
		return fmt.Sprintf("%s;*.%s;;%s;%s;%s\n", address, name, org, number, date)
	}
	return fmt.Sprintf("%s;%s;http://%s/page/%d;%s;%s;%s\n", address, name, name, i, org, number, date)
}

// rknXML returns an entry of the Russian XML file.
func rknXML(i int, name string) string {
	org, number, date := decision(i)
	kind, mask, page := ` blockType="domain"`, "", ""
	switch i % 4 {
	case 1:
		kind, mask = ` blockType="domain-mask"`, "*."
	case 2, 3:
		kind, page = "", fmt.Sprintf("<url><![CDATA[http://%s/page/%d]]></url>", name, i)
	}
	return fmt.Sprintf("<content id=\"%d\" includeTime=\"%sT12:00:00\" entryType=\"1\"%s hash=\"%032X\"><decision date=\"%s\" number=\"%s\" org=\"%s\"/>%s<domain><![CDATA[%s%s]]></domain><ip>203.0.113.%d</ip></content>\n",
		i+1, date, kind, i, date, number, org, page, mask, name, i%250+1)
}

// The second edition differs in the last name.
func (k *kind) write(to io.Writer, names []string, second bool) error {
	if k.most > 0 {
		names = names[:min(len(names), k.most)]
	}
	buffer := bufio.NewWriterSize(to, 1<<20)
	var w io.Writer = buffer
	if k.charset != nil {
		w = k.charset.NewEncoder().Writer(buffer)
	}
	top := k.head
	if second {
		top = strings.ReplaceAll(top, "2026-01-02", "2026-01-03")
	}
	if _, err := io.WriteString(w, top); err != nil {
		return err
	}
	for i, name := range names {
		if second && i == len(names)-1 {
			name = "changed." + name
		}
		if _, err := io.WriteString(w, k.row(i, name)); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, k.foot); err != nil {
		return err
	}
	return buffer.Flush()
}
