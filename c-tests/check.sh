# What the test scripts share: sourced by them, after they have made the directory TMP.

passed=0 failed=0 skipped=0

# check NAME COMMAND...: it succeeds, within ten minutes. The end of its output is shown if
# it does not.
check() {
    local name=$1
    shift
    if timeout -k 10 600 "$@" >"$TMP/output" 2>&1; then
        echo "ok: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        tail -n 200 "$TMP/output" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
}

skip() {
    echo "skipped: $1"
    skipped=$((skipped + 1))
}

# Ends the script.
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ $failed -eq 0 ] || exit 1
    [ $skipped -eq 0 ] || [ "${KUMO_TEST_NO_SKIP:-0}" != 1 ] || exit 1
    exit 0
}
