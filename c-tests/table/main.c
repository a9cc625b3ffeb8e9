/*
 * Drives a plugin through its table, as a host does, and checks what the contract says.
 *
 *     table_test LIBRARY DIRECTORY
 *
 * LIBRARY has a slash in it; DIRECTORY is empty, and the databases are made there. Prints
 * each test with ok or FAILED, and exits with 1 at the first that fails. What a described
 * plugin declares is kept to; KUMO_TEST_REENTRANT stands for KUMO_CAP_REENTRANT_SCAN where
 * the plugin is classic. Link it with -rdynamic: it exports the two functions that a plugin
 * built with msgpack-c's own header imports.
 */
#include "test.h"

/* On a thread of its own, which is not the one that loaded the plugin. */
static void *run_all(void *unused)
{
    test_records();
    test_zones();
    test_scans();
    if (threads_are_free()) {
        test_threads();
    }
    test_backup();
    if (described) {
        test_tail();
        test_many();
    }
    if (described && strcmp(plugin.name, "memhash") == 0) {
        test_dumps();
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc != 3) {
        fprintf(stderr, "usage: table_test LIBRARY DIRECTORY\n");
        return 2;
    }
    load(argv[1], argv[2]);
    pthread_create(&thread, NULL, run_all, NULL);
    pthread_join(thread, NULL);
    return 0;
}
