#include "io/file_watch.h"

#include "recorder.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;
static struct file_watch *watch;
static char folder[32], path[64], other[64];
static unsigned changes;

static void on_change(void *arg)
{
    EXPECT(arg == folder);
    changes++;
}

static void put(const char *to, const char *text)
{
    FILE *f = fopen(to, "we");
    EXPECT(f && fputs(text, f) >= 0);
    fclose(f);
}

static void pass(uint64_t ms)
{
    for (uint64_t until = loop_clock_us() + ms * 1000; loop_clock_us() < until;)
        turn_at_most(loop, 5);
}

static void begin(void)
{
    strcpy(folder, "/tmp/test_watch_XXXXXX");
    EXPECT(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    put(path, "one");
    loop = loop_new();
    changes = 0;
    struct file_mark mark = file_mark_take(path);
    watch = file_watch_new(loop, path, &mark, 20, on_change, folder);
    EXPECT(watch);
    pass(60);
    EXPECT_EQ(changes, 0);
}

static void end(void)
{
    file_watch_close(watch);
    unlink(path);
    unlink(other);
    rmdir(folder);
    loop_end(loop);
}

TEST(changed_file_is_told_once)
{
    begin();
    put(path, "two and more");
    TURN_UNTIL(loop, changes);
    pass(60);
    EXPECT_EQ(changes, 1);
    end();
}

TEST(change_between_reading_and_watching_is_told)
{
    begin();
    file_watch_close(watch);
    struct file_mark read = file_mark_take(path);
    put(path, "changed before anybody watched");
    watch = file_watch_new(loop, path, &read, 20, on_change, folder);
    EXPECT(watch);
    TURN_UNTIL(loop, changes);
    pass(60);
    EXPECT_EQ(changes, 1);
    end();
}

TEST(file_that_is_replaced_or_relinked_is_told)
{
    begin();
    put(other, "new");
    EXPECT_EQ(rename(other, path), 0);
    TURN_UNTIL(loop, changes == 1);
    put(other, "behind a link");
    unlink(path);
    EXPECT_EQ(symlink(other, path), 0);
    TURN_UNTIL(loop, changes == 2);
    end();
}

TEST(file_that_goes_is_waited_for)
{
    begin();
    unlink(path);
    pass(60);
    EXPECT_EQ(changes, 0);
    put(path, "back again");
    TURN_UNTIL(loop, changes == 1);
    end();
}

TEST(watch_may_close_while_it_looks)
{
    begin();
    file_watch_close(watch);
    struct file_mark mark = file_mark_take(path);
    watch = file_watch_new(loop, path, &mark, 20, on_change, folder);
    file_watch_close(watch);
    watch = NULL;
    pass(20);
    end();
}
