/* Log files: lines in order, rotation, disks that are full or slow, messages as JSON and text. */
#include "base/log.h"

#include <fcntl.h>
#include "support/jansson_oracle.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/test.h"

static char folder[] = "/tmp/test-log-XXXXXX";

static const char *path_in_folder(const char *name)
{
    static bool made; /* the folder's name may well have an X of its own */
    static char path[100];
    if (!made && !mkdtemp(folder))
        EXPECT_FAIL("no folder");
    made = true;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* The file's contents; removed afterwards.  Static. */
static str contents(const char *path)
{
    static char text[8 << 20];
    int fd = open(path, O_RDONLY);
    size_t len = 0;
    ssize_t n;
    EXPECT(fd >= 0);
    while ((n = read(fd, text + len, sizeof(text) - len)) > 0)
        len += (size_t)n;
    close(fd);
    unlink(path);
    return str_make(text, len);
}

TEST(lines_come_in_their_order)
{
    char path[100];
    snprintf(path, sizeof(path), "%s", path_in_folder("order"));
    struct log_file *f = log_file_open(path);
    EXPECT(f != NULL);
    EXPECT(!log_file_is_terminal(f));
    for (unsigned i = 0; i < 5000; i++) {
        char line[20];
        int len = snprintf(line, sizeof(line), "%u\n", i);
        log_file_write(f, str_make(line, (size_t)len));
    }
    log_file_close(f);
    str text = contents(path);
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t value;
        EXPECT(str_to_u64(str_split(&text, '\n'), &value));
        EXPECT_EQ(value, i);
    }
}

static void *write_lines(void *file)
{
    for (unsigned i = 0; i < 2000; i++)
        log_file_write(file, STR("a line of several words\n"));
    return NULL;
}

TEST(lines_of_several_threads_stay_whole)
{
    char path[100];
    pthread_t threads[4];
    snprintf(path, sizeof(path), "%s", path_in_folder("threads"));
    struct log_file *f = log_file_open(path);
    for (unsigned i = 0; i < 4; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, write_lines, f), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_file_close(f);
    str text = contents(path);
    unsigned lines = 0;
    for (; text.len; lines++)
        EXPECT_STR(str_split(&text, '\n'), "a line of several words");
    EXPECT_EQ(lines, 8000);
}

TEST(a_rotated_file_is_opened_anew)
{
    char path[100], moved[110];
    snprintf(path, sizeof(path), "%s", path_in_folder("rotated"));
    snprintf(moved, sizeof(moved), "%s.1", path);
    struct log_file *f = log_file_open(path);
    log_file_write(f, STR("before\n"));
    for (unsigned i = 0; i < 200; i++) { /* until it has been written */
        struct stat st;
        if (stat(path, &st) == 0 && st.st_size)
            break;
        usleep(5000);
    }
    EXPECT_EQ(rename(path, moved), 0);
    log_file_reopen(f);
    usleep(50000);
    log_file_write(f, STR("after\n"));
    log_file_close(f);
    EXPECT_STR(contents(moved), "before\n");
    EXPECT_STR(contents(path), "after\n");
}

TEST(a_reopen_that_fails_leaves_the_old_file)
{
    char path[200], dir[100], moved[110];
    snprintf(dir, sizeof(dir), "%s", path_in_folder("dir"));
    mkdir(dir, 0700);
    snprintf(path, sizeof(path), "%s/log", dir);
    struct log_file *f = log_file_open(path);
    snprintf(moved, sizeof(moved), "%s-moved", dir);
    EXPECT_EQ(rename(dir, moved), 0); /* the path leads nowhere now */
    log_file_reopen(f);
    log_file_write(f, STR("still here\n"));
    log_file_close(f);
    snprintf(path, sizeof(path), "%s/log", moved);
    EXPECT_STR(contents(path), "still here\n");
    rmdir(moved);
}

TEST(a_file_that_cannot_be_opened_is_null)
{
    EXPECT(log_file_open("/nonexistent/folder/log") == NULL);
    EXPECT(log_file_open("/") == NULL);
}

TEST(a_full_disk_drops_lines_counts_them_and_goes_on)
{
    uint64_t before = log_dropped();
    struct log_file *f = log_file_open("/dev/full");
    EXPECT(f != NULL);
    for (unsigned i = 0; i < 10; i++)
        log_file_write(f, STR("lost\n"));
    log_file_close(f);
    EXPECT_EQ(log_dropped(), before + 10);
}

static void *read_all(void *path)
{
    char bytes[65536];
    int fd = open(path, O_RDONLY);
    while (read(fd, bytes, sizeof(bytes)) > 0)
        continue;
    close(fd);
    return NULL;
}

/* A pipe that nobody reads is a disk that hangs. */
TEST(a_disk_that_hangs_makes_nobody_wait)
{
    char path[100];
    static char line[1025];
    pthread_t reader;
    snprintf(path, sizeof(path), "%s", path_in_folder("pipe"));
    EXPECT_EQ(mkfifo(path, 0600), 0);
    int keep = open(path, O_RDWR); /* so that opening does not wait */
    uint64_t before = log_dropped();
    struct log_file *f = log_file_open(path);
    memset(line, 'x', 1024);
    line[1023] = '\n';
    /* 16 MiB: 4 may wait, and as many may be in the hands of the thread that writes. */
    for (unsigned i = 0; i < 16 * 1024; i++)
        log_file_write(f, str_make(line, 1024));
    EXPECT_GT(log_dropped(), before + 1000);
    EXPECT_EQ(pthread_create(&reader, NULL, read_all, path), 0);
    log_file_close(f);
    close(keep);
    pthread_join(reader, NULL);
    unlink(path);
}

/* --- Messages ------------------------------------------------------------------------------------ */

static str messages(bool json)
{
    static char path[100];
    snprintf(path, sizeof(path), "%s", path_in_folder("messages"));
    struct log_file *f = log_file_open(path);
    log_start(f, json);
    log_set_level(LOG_INFO);
    log_debug("not shown");
    log_info("hello %d", 7);
    log_warn("quote \" backslash \\ tab \t newline \n escape \x1b bad \xff end");
    char longest[5000];
    memset(longest, 'y', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    log_error("%s", longest);
    log_stop();
    log_file_close(f);
    return contents(path);
}

TEST(messages_as_json_are_json_whatever_is_in_them)
{
    static const char *const levels[] = {"info", "warn", "error"};
    str text = messages(true);
    for (unsigned i = 0; i < 3; i++) {
        str line = str_split(&text, '\n');
        json_error_t error;
        json_t *json = json_loadb(line.ptr, line.len, 0, &error);
        if (!json)
            EXPECT_FAIL("%s: %.*s", error.text, STR_ARG(line));
        EXPECT_STR(json_string_value(json_object_get(json, "level")), levels[i]);
        EXPECT(json_string_length(json_object_get(json, "time")) == 24);
        EXPECT(json_string_length(json_object_get(json, "message")) > 0);
        json_decref(json);
    }
    EXPECT_EQ(text.len, 0);
}

TEST(messages_as_text_are_one_line_each)
{
    str text = messages(false);
    EXPECT_CONTAINS(str_split(&text, '\n'), " info  hello 7");
    str line = str_split(&text, '\n');
    EXPECT_CONTAINS(line, " warn  quote \" backslash \\ tab   newline   escape");
    EXPECT(str_find_byte(line, 0x1b) < 0);
    EXPECT_CONTAINS(str_split(&text, '\n'), " error yyyy");
    EXPECT_EQ(text.len, 0);
}

TEST(levels_have_names_and_an_order)
{
    EXPECT_STR(log_level_name(LOG_ERROR), "error");
    EXPECT_STR(log_level_name(LOG_DEBUG), "debug");
    log_set_level(LOG_WARN);
    EXPECT(log_is_on(LOG_ERROR) && log_is_on(LOG_WARN));
    EXPECT(!log_is_on(LOG_INFO));
    log_set_level(LOG_INFO);
    rmdir(folder);
}
