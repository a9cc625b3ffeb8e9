/* backup: a database of one moment, or nothing. */
#include "test.h"

char backup_path[PATH_MAX];
static char backup_tmp[PATH_MAX + 4];

bool backup(void *db, const char *name)
{
    path_of(backup_path, name);
    snprintf(backup_tmp, sizeof backup_tmp, "%s.tmp", backup_path);
    error_code = 0;
    if (op.backup(db, backup_path)) {
        CHECK(exists(backup_path) && !exists(backup_tmp));
        return true;
    }
    CHECK(!exists(backup_path) && !exists(backup_tmp));
    CHECK(op.error(db) != NULL && op.error(db)[0] != '\0');
    printf("has none (%s), ", op.error(db));
    return false;
}

static void a_backup_opens_as_a_database(void)
{
    void *db = open_new("original"), *copy;
    char nowhere[PATH_MAX];
    scan s = {.db = db};
    scan_fill(db);
    CHECK(op.set(db, "\0\377", 2, "\0\0", 2) && set(db, "", "empty key"));
    CHECK(set(db, "empty value", ""));
    if (backup(db, "backup")) {
        CHECK(set(db, "later", "than the backup"));
        copy = open_at(backup_path);
        CHECK(copy != NULL);
        if (copy != NULL) {
            CHECK(op.rnum(copy) == SCANNED + 3);
            CHECK(has_bytes(copy, "\0\377", 2, "\0\0", 2) && has(copy, "", "empty key"));
            CHECK(has(copy, "empty value", "") && has(copy, "later", NULL));
            CHECK(del_force(copy, "") && del_force(copy, "empty value"));
            CHECK(op.del(copy, "\0\377", 2, ask, &(asked){.answer = true}));
            CHECK(op.for_each(copy, &s, visit) >= 0 && saw_each_once(&s));
            CHECK(has(db, "", "empty key")); /* they are two */
            close_db(copy);
        }
        CHECK(!op.backup(db, backup_path)); /* never over another */
        CHECK(!exists(backup_tmp));
        copy = open_at(backup_path);
        CHECK(copy != NULL && has(copy, "later", NULL));
        if (copy != NULL) {
            close_db(copy);
        }
        path_of(nowhere, "nowhere/backup");
        error_code = 0;
        CHECK(!op.backup(db, nowhere));
        CHECK(error_code != 0 || !described);
        CHECK(op.error(db) != NULL && op.error(db)[0] != '\0');
    }
    close_db(db);
}

/* A file with `text` in it. */
static void make(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void what_a_killed_backup_left_stops_none(void)
{
    void *db = open_new("leaving"), *copy;
    char finished[PATH_MAX], tmp[PATH_MAX], text[32] = "";
    FILE *file;
    CHECK(set(db, "key", "value"));
    path_of(tmp, "left.tmp");
    path_of(finished, "finished");
    if (backup(db, "possible")) {
        make(tmp, "half of a backup");
        CHECK(backup(db, "left"));
        copy = open_at(backup_path);
        CHECK(copy != NULL && has(copy, "key", "value"));
        if (copy != NULL) {
            close_db(copy);
        }
        /* Killed between link and unlink; then the backup was moved away. */
        make(finished, "a finished backup");
        path_of(tmp, "second.tmp");
        CHECK(link(finished, tmp) == 0);
        CHECK(backup(db, "second"));
        file = fopen(finished, "r");
        CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
        CHECK(strcmp(text, "a finished backup") == 0);
        if (file != NULL) {
            fclose(file);
        }
    }
    close_db(db);
}

static void *written_db;
static bool writing; /* atomic */

/* Every state between two writes has first == second or first == second + 1. */
static void *pair_thread(void *user)
{
    uint64_t n;
    (void)user;
    for (n = 1; __atomic_load_n(&writing, __ATOMIC_RELAXED); n++) {
        CHECK(op.set(written_db, "first", 5, (char *)&n, 8));
        CHECK(op.set(written_db, "second", 6, (char *)&n, 8));
    }
    return NULL;
}

static void a_backup_is_one_moment(void)
{
    uint64_t zero = 0, first, second;
    pthread_t writer;
    char name[32];
    int round;
    bool can = true;
    written_db = open_new("moving");
    scan_fill(written_db);
    CHECK(op.set(written_db, "first", 5, (char *)&zero, 8));
    CHECK(op.set(written_db, "second", 6, (char *)&zero, 8));
    writing = true;
    pthread_create(&writer, NULL, pair_thread, NULL);
    for (round = 0; round < 20 && can; round++) {
        void *copy;
        snprintf(name, sizeof name, "moment%d", round);
        can = backup(written_db, name);
        copy = can ? open_at(backup_path) : NULL;
        if (copy != NULL) {
            CHECK(op.get_header(copy, "first", 5, (char *)&first, 8) == 8);
            CHECK(op.get_header(copy, "second", 6, (char *)&second, 8) == 8);
            CHECK(first == second || first == second + 1);
            close_db(copy);
        }
        CHECK(copy != NULL || !can);
    }
    __atomic_store_n(&writing, false, __ATOMIC_RELAXED);
    pthread_join(writer, NULL);
    close_db(written_db);
}

void test_backup(void)
{
    RUN(a_backup_opens_as_a_database);
    RUN(what_a_killed_backup_left_stops_none);
    if (threads_are_free()) {
        RUN(a_backup_is_one_moment);
    }
}
