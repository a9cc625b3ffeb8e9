# Makes the manual pages from kumo_storage.h, which is the one source of both.
#
#     awk -v page=7 -v version=0.1.0 -f packaging/man.awk include/kumo_storage.h
#
# kumo-plugins(7) is the comment at the file's head: its lines in capitals are headings, its
# indented lines are shown as they are. kumo_storage(3) is the comments on the types: each
# `/** ... */` belongs to the declaration that follows.

function text(line) { # for roff, with `code` in bold
    gsub(/\\/, "\\e", line)
    gsub(/-/, "\\-", line)
    while (match(line, /`[^`]*`/)) {
        line = substr(line, 1, RSTART - 1) "\\fB" substr(line, RSTART + 1, RLENGTH - 2) "\\fR" \
            substr(line, RSTART + RLENGTH)
    }
    return line ~ /^[.']/ ? "\\&" line : line
}

function title(name, section, what) {
    print ".\\\" Made from kumo_storage.h by packaging/man.awk. Do not edit."
    print ".TH " name " " section " \"\" \"kumo " version "\" \"kumo\""
    print ".SH NAME"
    print what
}

function see_also(pages) {
    print ".SH SEE ALSO"
    print pages
}

# A declaration, as it is written, and what its comment says.
function entry(    i, n, lines) {
    n = split(declaration, lines, "\n")
    print ".PP"
    print ".nf"
    for (i = 1; i <= n; i++) {
        print "\\fB" text(lines[i]) "\\fR"
    }
    print ".fi"
    print ".RS 4"
    n = split(comment, lines, "\n")
    for (i = 1; i <= n; i++) {
        if (lines[i] == "") {
            print ".PP"
        } else {
            print text(lines[i])
        }
    }
    print ".RE"
    comment = declaration = ""
}

BEGIN {
    if (page == 7) {
        title("KUMO-PLUGINS", 7, "kumo\\-plugins \\- how storage engines are written for kumo")
    } else {
        title("KUMO_STORAGE", 3, "kumo_storage \\- the functions and types of a storage plugin")
        print ".SH SYNOPSIS"
        print ".B #include <kumo_storage.h>"
        print ".br"
        print ".B #include <compat/msgpack.h>"
        print ".SH DESCRIPTION"
        print "What a plugin is, and what holds for all that follows, is in"
        print ".BR kumo\\-plugins (7)."
    }
}

# ---- the head, for section 7 ----

NR == 1 { head = 1; next }
head && /^ \*\/$/ { head = 0; if (shown) print ".fi"; next }
head && page == 7 {
    line = substr($0, 4)
    if (line ~ /^    /) {
        if (!shown) print ".PP\n.nf\n.RS 4"
        shown = 1
        print text(substr(line, 5))
        next
    }
    if (shown) print ".RE\n.fi"
    shown = 0
    if (line ~ /^[A-Z][A-Z ]+$/) {
        started = 1
        print ".SH " line
    } else if (started) {
        print line == "" ? ".PP" : text(line)
    }
}
head || page == 7 { next }

# ---- the declarations, for section 3 ----

/^ *\/\*\* .* \*\/$/ {
    comment = $0
    sub(/^ *\/\*\* /, "", comment)
    sub(/ \*\/$/, "", comment)
    documented = 1
    next
}
/^ *\/\*\*$/ { comment = ""; inside = documented = 1; next }
inside && /^ *\*\/$/ { inside = 0; next }
inside {
    sub(/^ *\* ?/, "")
    comment = comment (comment == "" ? "" : "\n") $0
    next
}
!documented || /^ *$/ || /^#(if|endif|else|ifdef)/ { next }
/^  : u?int/ || /^ \{$/ { next }
{
    line = $0
    member = line ~ /^ /
    if (!member && line ~ /^(typedef struct|enum|struct) [a-z_]+ ?\{?$/) {
        sub(/ ?\{$/, "", line)
        sub(/^typedef /, "", line)
        print ".SH " toupper(substr(line, index(line, " ") + 1))
        others = 0
        declaration = line
        entry()
        documented = 0
        next
    }
    if (!member && line !~ /^#define/ && !others++) print ".SH OTHER DECLARATIONS"
    if (line ~ /^#define/ && !constants++) print ".SH CONSTANTS"
    sub(/^    /, "", line)
    sub(/,$/, line ~ /= *-?[0-9]+,$/ ? "" : ",", line)
    declaration = declaration (declaration == "" ? "" : "\n") line
    if (line ~ /;$/ || line ~ /= *[0-9]+$/ || line ~ /^#define/ || line ~ /\)$/) {
        entry()
        documented = 0
    }
}

END {
    see_also(page == 7 ? ".BR kumo_storage (3)" : ".BR kumo\\-plugins (7)")
}
