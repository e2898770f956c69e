# This filter turns each table of a Markdown page into a definition list, because a terminal is too
# narrow for the tables of the docs. The first cell of a row is the term. The other cells follow as
# the definition. If a row has more than two cells, each cell has the head of its column in front.

/^(~~~|```)/ { code = !code }

code || !/^\|/ {
	columns = 0
	print
	next
}

{
	row = substr($0, 2, length($0) - 2)
	gsub(/\\\|/, "\001", row)
	n = split(row, cell, "|")
	for (i = 1; i <= n; i++) {
		gsub(/^ +| +$/, "", cell[i])
		gsub(/\001/, "|", cell[i])
	}
}

!columns { # the heads of the columns
	columns = n
	for (i = 1; i <= n; i++) head[i] = cell[i]
	next
}

/^\|[-:| ]+\|$/ { next }

{
	text = cell[2]
	if (n > 2) {
		text = head[2] ": " cell[2]
		for (i = 3; i <= n; i++) text = text "; " head[i] ": " cell[i]
	}
	printf "\n%s\n: %s\n", cell[1] == "" ? "-" : cell[1], text
}
