package main

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestDates(t *testing.T) {
	x := &editing{file: &order.File{Timezone: "Europe/Rome"}, now: order.FromTime(clock())}
	local := x.now.Time().In(zoneOf(x.file))
	today, yesterday, tomorrow := local.Format(time.DateOnly), local.AddDate(0, 0, -1).Format(time.DateOnly), local.AddDate(0, 0, 1).Format(time.DateOnly)
	now := local.Format("2006-01-02T15:04:05")
	at := func(d time.Duration) string { return local.Add(d).Format("2006-01-02T15:04") }
	for answer, want := range map[string]string{
		"2026-11-23": "2026-11-23", "2026-11-23 9.30": "2026-11-23T09:30", "23/11/2026": "2026-11-23", "3.4.2026": "2026-04-03",
		"today 9:05": x.now.Time().Format(time.DateOnly) + "T09:05",

		"23 novembre 2026": "2026-11-23", "Milano, 23 novembre 2026": "", "lì 23 novembre 2026": "2026-11-23", "lunedì 23 novembre 2026": "2026-11-23",
		"1° marzo 2026": "2026-03-01", "23 novembre 2026, ore 18.05": "2026-11-23T18:05", "23 nov. 2026 alle ore 9:05": "2026-11-23T09:05",
		"1er mars 2026": "2026-03-01", "le 1er août 2026": "2026-08-01", "1ER AOÛT 2026": "2026-08-01", "le 4 de\u0301cembre 2026 à 18h05": "2026-12-04T18:05",
		"vendredi 13 févr. 2026 à 18 heures": "2026-02-13T18:00",
		"23. November 2026":                  "2026-11-23", "den 1. März 2026": "2026-03-01", "2. Jänner 2026 um 18:05 Uhr": "2026-01-02T18:05", "Montag, 23. Nov. 2026 um 9 Uhr": "2026-11-23T09:00",
		"23 de noviembre de 2026": "2026-11-23", "1º de marzo del 2026 a las 18:05": "2026-03-01T18:05",
		"1.º de março de 2026": "2026-03-01", "23 de dezembro de 2026 às 18h05": "2026-12-23T18:05",
		"1 mei 2026": "2026-05-01", "23 maart 2026 om 18.05 uur": "2026-03-23T18:05", "den 1. maj 2026 kl. 18.05": "2026-05-01T18:05",
		"1 lutego 2026 r.": "2026-02-01", "23 października 2026 r. o godz. 18:05": "2026-10-23T18:05", "2026. november 23.": "2026-11-23", "23 жовтня 2026": "2026-10-23",

		"oggi": x.now.Time().In(zoneOf(x.file)).Format(time.DateOnly), "aujourd'hui": x.now.Time().In(zoneOf(x.file)).Format(time.DateOnly),
		"ieri alle 9:05":                  x.now.Time().In(zoneOf(x.file)).AddDate(0, 0, -1).Format(time.DateOnly) + "T09:05",
		"gestern 18.05":                   x.now.Time().In(zoneOf(x.file)).AddDate(0, 0, -1).Format(time.DateOnly) + "T18:05",
		"alle 23:00 del 29 novembre 2026": "2026-11-29T23:00", "18.05 Uhr am 1. März 2026": "2026-03-01T18:05", "18h05 le 1er mars 2026": "2026-03-01T18:05", "18:05 2026-03-01": "2026-03-01T18:05",
		"29 novembre 2026 ore 7": "2026-11-29T07:00", "29 novembre 2026 alle 7": "2026-11-29T07:00", "el 3 de mayo de 2026 a las 16 horas": "2026-05-03T16:00", "am 3. Mai 2026 um 9": "2026-05-03T09:00",

		"a las 16 horas": today + "T16:00", "las 23:15": today + "T23:15", "a las 16:30 horas": today + "T16:30", "a la 1": today + "T01:00", "ayer a las 16 horas": yesterday + "T16:00", "hoy a las 10": today + "T10:00",
		"alle ore 16": today + "T16:00", "alle 7": today + "T07:00", "ieri alle 9": yesterday + "T09:00", "oggi alle 22": today + "T22:00", "alle 10 e un quarto": today + "T10:15", "ayer a las 9 y media": yesterday + "T09:30",
		"à 16 heures": today + "T16:00", "à 10 heures et quart": today + "T10:15", "hier à 16 heures": yesterday + "T16:00", "um 10": today + "T10:00", "gestern um 9": yesterday + "T09:00",
		"às 16 horas": today + "T16:00", "ontem às 9 horas": yesterday + "T09:00", "hoje às 10": today + "T10:00", "vandaag om 10": today + "T10:00", "dziś o 10": today + "T10:00",

		"10 h 15": today + "T10:15", "10 heures 15": today + "T10:15", "20h45": today + "T20:45", "20:45": today + "T20:45", "ore 9": today + "T09:00", "9 Uhr": today + "T09:00",
		"um 20.45 Uhr": today + "T20:45", "alle 20.45": today + "T20:45", "à 9 heures": today + "T09:00", "18 Uhr 30": today + "T18:30",
		"1er mars 2026 à 10 h 15": "2026-03-01T10:15", "1 mars 2026, 10 heures 15": "2026-03-01T10:15", "10 h 15 le 1er mars 2026": "2026-03-01T10:15", "hier à 20h45": yesterday + "T20:45",
		"mezz'ora fa": at(-30 * time.Minute), "un’ora fa": at(-time.Hour), "vor 30 Minuten": at(-30 * time.Minute), "vor einer halben Stunde": at(-30 * time.Minute), "Vor einer Stunde": at(-time.Hour),
		"il y a 30 minutes": at(-30 * time.Minute), "il y a une heure": at(-time.Hour), "30 minutes ago": at(-30 * time.Minute), "half an hour ago": at(-30 * time.Minute),
		"hace media hora": at(-30 * time.Minute), "hace dos horas": at(-2 * time.Hour), "há 30 minutos": at(-30 * time.Minute), "30 minuten geleden": at(-30 * time.Minute), "for 2 timer siden": at(-2 * time.Hour),
		"pół godziny temu": at(-30 * time.Minute), "un quarto d'ora fa": at(-15 * time.Minute), "vor 2 Tagen": x.now.Time().In(zoneOf(x.file)).AddDate(0, 0, -2).Format(time.DateOnly),
		"domani": tomorrow, "morgen um 9 Uhr": tomorrow + "T09:00", "demain à 20h45": tomorrow + "T20:45", "ahora mismo": now, "sofort": now, "adesso": now,
		"10.15": "", "9": "", "at 4": "", "alle 25": "", "2 horas": "", "2 horas y media": "", "10 e mezza": "", "25:00": "", "20h75": "", "fa": "", "vor": "", "vor drei": "", "il y a 3 lunes": "", "9.5.": "", "30. April": "", "le 4 mars": "",

		// Dates with two meanings, or with none.
		"18:05 03/04/2026": "",
		"03/04/2026":       "", "3-4-2026": "", "03/04/2026 18:05": "", "23 listopada 2026": "", "1 lip 2026": "",
		"30 febbraio 2026": "", "23 novembre 26": "", "novembre 2026": "", "23 novembre": "", "23 mars avril 2026": "", "mar 3 2026 mars": "",
		"non prima del 23 novembre 2026": "", "23 novembre 2026 12": "", "23 brumaire 2026": "", "23 novembre 2026 alle ore 25.00": "",
	} {
		got, wrong := x.timeText(answer)
		if !isTime(got) || wrong != "" {
			got = ""
		}
		if got != want {
			t.Errorf("%q: got %q, want %q (%s)", answer, got, want, wrong)
		}
	}
	const two = `"23 listopada 2026" is 23 October or 23 November, because the month has two meanings; write 2026-10-23 or 2026-11-23`
	if _, wrong := x.timeText("23 listopada 2026"); wrong != two && wrong != strings.NewReplacer("October", "November", "November", "October", "-10-", "-11-", "-11-", "-10-").Replace(two) {
		t.Errorf("got %q", wrong)
	}
	for word := range smallWords {
		if m := dateWords().months[word]; m != nil {
			t.Errorf("the small word %q is the month %v", word, m)
		}
	}
}

// TestDurations checks durations in words.
func TestDurations(t *testing.T) {
	for answer, want := range map[string]string{
		"30m": "30m", "24 hours": "24h", "5 Days": "5d", "30 min.": "30m", "24 ore": "24h", "entro 24 ore": "24h", "5 giorni": "5d", "30 minuti": "30m",
		"24 Stunden": "24h", "innerhalb von 3 Tagen": "3d", "24 heures": "24h", "sous 8 jours": "8d", "5 días": "5d", "24 uur": "24h", "30 minutter": "30m", "7 dni": "7d",
		"entro 24 ore dalla notifica": "24h", "entro e non oltre 30 minuti dalla ricezione": "30m", "24 ore dalla notifica del provvedimento": "24h", "within 24 hours of receipt": "24h",
		"48 heures à compter de la réception": "48h", "innerhalb von 3 Tagen nach Zustellung": "3d", "24 Stunden ab Erhalt des Beschlusses": "24h", "24 horas desde la notificación": "24h",
		"48 horas após a notificação": "48h", "24 uur na ontvangst": "24h", "24 timer efter modtagelsen": "24h", "7 dni od doręczenia": "7d",
		"24 ore dalla pubblicazione": "", "24 ore dalla notifica al titolare": "", "3 Tage nach Verkündung": "", "24 hours of the decision": "", "5 giorni lavorativi dalla notifica": "", "24 ore prima della notifica": "",
		"2 Wochen": "14d", "due settimane": "14d", "una settimana": "7d", "mezz'ora": "30m", "eine halbe Stunde": "30m", "une heure": "1h", "drei Tage": "3d",
		"5 giorni lavorativi": "", "3 Werktage": "", "5 working days": "", "5": "", "2 mois": "", "entro domani": "", "zwei": "", "a": "", "0 giorni": "",
	} {
		got, ok := duration(answer)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", answer, got, want)
		}
	}
}

func TestDeadlineWords(t *testing.T) {
	x := &editing{file: &order.File{Timezone: "Europe/Rome"}, now: order.FromTime(clock())}
	for answer, want := range map[string]string{
		"entro il 30 novembre 2026": "2026-11-30", "bis zum 30.11.2026, 12:00 Uhr": "2026-11-30T12:00", "au plus tard le 1er décembre 2026": "2026-12-01",
		"entro le ore 23:00 del 29 novembre 2026": "2026-11-29T23:00", "entro 24 ore": "24h",
		"hasta las 23:15": "2026-05-01T23:15", "hasta las 21 horas": "2026-05-01T21:00", "fino alle ore 22": "2026-05-01T22:00", "fino alle 22": "2026-05-01T22:00", "jusqu'à 21 heures": "2026-05-01T21:00",
		"bis um 21 Uhr": "2026-05-01T21:00", "até às 21 horas": "2026-05-01T21:00", "16 horas": "16h", "entro 2 ore e mezza": "", "vor dem 30. November 2026": "", "avant le 1er mars 2026": "",
	} {
		got, _, wrong := x.deadlineText(answer, "2026-05-01T09:00", "")
		if _, err := order.ParseDuration(got); !isTime(got) && err != nil || wrong != "" {
			got = ""
		}
		if got != want {
			t.Errorf("%q: got %q, want %q (%s)", answer, got, want, wrong)
		}
	}
}

func TestYes(t *testing.T) {
	for _, word := range append(slices.Clone(yesWords), noWords...) {
		if slices.Contains(yesWords, word) && slices.Contains(noWords, word) {
			t.Errorf("%q means yes and no", word)
		}
	}
	for answers, want := range map[string]bool{"sì": true, "JA": true, "Oui": true, "y": true, "no": false, "não": false, "maybe\nno": false, "\nyes": true} {
		a := &asker{e: &env{stderr: io.Discard}, in: bufio.NewReader(strings.NewReader(answers + "\n"))}
		if got := a.yes(question{text: "Right?"}); got != want || a.err != nil {
			t.Errorf("%q: %v, %v", answers, got, a.err)
		}
	}
}

func TestSpans(t *testing.T) {
	x := &editing{file: &order.File{Timezone: "Europe/Rome"}, now: order.FromTime(clock())}
	const receipt, decision = "counted from the receipt (2026-01-31T09:25)", "counted from the decision (2026-01-15)"
	for answer, want := range map[string][2]string{
		"30 giorni": {"2026-03-02", receipt}, "per 30 giorni": {"2026-03-02", receipt}, "30 Tage": {"2026-03-02", receipt}, "30 jours": {"2026-03-02", receipt}, "pendant deux semaines": {"2026-02-14", receipt},
		"2 Wochen": {"2026-02-14", receipt}, "un mese": {"2026-02-28", receipt}, "drei Monate": {"2026-04-30", receipt}, "six mois": {"2026-07-31", receipt}, "a year": {"2027-01-31", receipt}, "2 años": {"2028-01-31", receipt},
		"48 ore": {"2026-02-02T09:25:00", receipt}, "30 giorni dalla notifica": {"2026-03-02", receipt},
		"30 giorni dalla decisione": {"2026-02-14", decision}, "3 Monate ab Beschluss": {"2026-04-15", decision}, "30 jours à compter de l'ordonnance": {"2026-02-14", decision}, "60 days from the date of the decision": {"2026-03-16", decision},
		"48 ore dalla decisione": {},
		"bis zum 31. Mai 2026":   {"2026-05-31", ""}, "jusqu'au 31 mai 2026 inclus": {"2026-05-31", ""}, "jusqu’au 1er juin 2026": {"2026-06-01", ""}, "fino al 31 maggio 2026": {"2026-05-31", ""}, "fino al 31 maggio 2026 compreso": {"2026-05-31", ""},
		"hasta el 31 de mayo de 2026": {"2026-05-31", ""}, "até 31 de maio de 2026": {"2026-05-31", ""}, "t/m 31 mei 2026": {"2026-05-31", ""}, "until 31 May 2026": {"2026-05-31", ""}, "do 31 maja 2026": {"2026-05-31", ""}, "til og med 31. maj 2026": {"2026-05-31", ""},
		"fino alle ore 23:00": {x.now.Time().In(zoneOf(x.file)).Format(time.DateOnly) + "T23:00", ""}, "bis 20.45 Uhr": {x.now.Time().In(zoneOf(x.file)).Format(time.DateOnly) + "T20:45", ""},
		"tot 31 mei 2026": {}, "til 31. maj 2026": {}, "30 giorni lavorativi": {}, "30 giorni dalla pubblicazione": {}, "30": {},
	} {
		got, from, wrong := x.endText(answer, start{"receipt", "2026-01-31T09:25"}, start{"decision", "2026-01-15"})
		if !isTime(got) || wrong != "" {
			got = ""
		}
		if got != want[0] || from != want[1] {
			t.Errorf("%q: got %q, %q, want %q (%s)", answer, got, from, want, wrong)
		}
	}
	if got, from, wrong := x.deadlineText("5 giorni", "2026-05-06", ""); got != "2026-05-11" || from != "counted from the receipt (2026-05-06)" || wrong != "" {
		t.Errorf("%q, %q, %q", got, from, wrong)
	}
	if got, from, wrong := x.deadlineText("5 jours", "", "2026-05-06"); got != "2026-05-11" || from != "counted from the decision (2026-05-06)" || wrong != "" {
		t.Errorf("%q, %q, %q", got, from, wrong)
	}
	for _, wrongs := range [][2]string{{"24 ore", "2026-05-06"}, {"5 giorni", ""}, {"24 Stunden", ""}} {
		if text, _, wrong := x.deadlineText(wrongs[0], wrongs[1], ""); wrong+x.timeless(text, wrongs[1]) == "" {
			t.Errorf("%q is accepted", wrongs)
		}
	}
	if _, wrong := x.timeText("30 aprile"); wrong != `the year is missing, got "30 aprile"` {
		t.Error(wrong)
	}
}
