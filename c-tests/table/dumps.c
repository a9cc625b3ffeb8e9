/* What memhash, which keeps its data in memory, refuses to load. */
#include "test.h"

static bool refused(const char *path, const char *words)
{
    void *db = op.create();
    bool good;
    error_code = 0;
    if (op.open(db, path)) {
        close_db(db);
        return false;
    }
    good = op.error(db) != NULL && strstr(op.error(db), words) != NULL &&
           (!described || (error_code != 0 && strcmp(error_text, op.error(db)) == 0));
    op.free(db);
    return good;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, n, file) == n);
    if (file != NULL) {
        fclose(file);
    }
}

/* memhash's own: what it refuses to open, every cut and every flipped byte among it. */
static void bad_dumps_are_refused_with_words(void)
{
    void *db = open_new("whole");
    char path[PATH_MAX], bytes[512];
    size_t n, i;
    FILE *file;
    CHECK(set(db, "key", "value") && set(db, "another", "one"));
    CHECK(backup(db, "dump"));
    close_db(db);
    file = fopen(backup_path, "rb");
    n = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    if (file != NULL) {
        fclose(file);
    }
    CHECK(n > 20 && n < sizeof bytes);
    path_of(path, "damaged");
    for (i = 0; i < n; i++) {
        write_file(path, bytes, i);
        CHECK(refused(path, i < 8 ? "is not a dump of memhash" : "is cut short or damaged"));
        bytes[i] ^= 1;
        write_file(path, bytes, n);
        CHECK(refused(path, i < 8 ? "is not a dump" : i < 12 ? "has version" : "damaged"));
        bytes[i] ^= (char)0x81; /* a length that reaches far behind the end */
        write_file(path, bytes, n);
        CHECK(refused(path, path));
        bytes[i] ^= (char)0x80;
    }
    bytes[n] = 'x';
    write_file(path, bytes, n + 1);
    CHECK(refused(path, "is cut short or damaged"));
    write_file(path, bytes, n);
    db = open_at(path);
    CHECK(db != NULL && has(db, "key", "value") && op.rnum(db) == 2);
    if (db != NULL) {
        path_of(path, "cannot#open=it");
        CHECK(!op.backup(db, path) && !exists(path));
        close_db(db);
    }
    path_of(path, "");
    CHECK(refused(path, "is not a file"));
    path_of(path, "new#capacity=1");
    CHECK(refused(path, "remove \"#capacity=1\""));
}

void test_dumps(void)
{
    RUN(bad_dumps_are_refused_with_words);
}
