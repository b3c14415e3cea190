/*
 * A main for fuzz targets in ordinary builds: gives the target each file of the folders named, and
 * the empty input.  Each input is copied to a block of its own size, so that a sanitizer sees the
 * first byte read past its end.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static size_t replayed;

static void give(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, bytes, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
    replayed++;
}

static int fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

static int replay_file(const char *path, size_t size)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return fail(path);
    char *bytes = malloc(size + 1);
    if (!bytes)
        abort();
    size_t len = fread(bytes, 1, size, in);
    fclose(in);

    /* So that the input is known when the target does not return. */
    fprintf(stderr, "%s\n", path);
    give(bytes, len);
    free(bytes);
    return 0;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return fail(path);

    int err = 0;
    for (int i = 0; i < count; i++) {
        char *inside = NULL;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&inside, "%s/%s", path, entries[i]->d_name) < 0)
                abort();
            err |= replay(inside);
            free(inside);
        }
        free(entries[i]);
    }
    free(entries);
    return err;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return fail(path);
    return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    int err = 0;

    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    give(NULL, 0);
    for (int i = 1; i < argc; i++)
        err |= replay(argv[i]);
    if (err)
        return 1;
    printf("[  PASSED  ] %zu test(s).\n", replayed);
    return 0;
}
