#include "io/activation.h"

#include "recorder.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The environment is read once in a process, so each case runs in a child, which aborts at its end
 * (EXPECT_ABORT) when all was well. */

static void be_given(const int *fds, unsigned n, int pid)
{
    char text[16];
    for (unsigned i = 0; i < n; i++) {
        int away = fcntl(fds[i], F_DUPFD, 100);
        EXPECT_EQ(dup2(away, 3 + (int)i), 3 + (int)i);
    }
    snprintf(text, sizeof(text), "%d", pid);
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof(text), "%u", n);
    setenv("LISTEN_FDS", text, 1);
}

static void take_what_is_ours(void)
{
    struct address a, b, other;
    int fds[2];
    for (int i = 0; i < 20; i++) /* out of the way of 3 and 4 */
        EXPECT(open("/dev/null", O_RDONLY) >= 0);
    fds[0] = listen_anywhere(&a);
    fds[1] = listen_anywhere(&b);
    be_given(fds, 2, getpid());
    EXPECT_EQ(activation_count(), 2);
    EXPECT(!getenv("LISTEN_FDS"));
    EXPECT_EQ(address_parse(&other, STR("127.0.0.1:1")), ERR_NONE);
    EXPECT_EQ(activation_take(&other), -1);
    EXPECT_EQ(activation_take(&b), 4);
    EXPECT_EQ(activation_take(&b), -1);
    EXPECT_EQ(fcntl(4, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_EQ(activation_close_rest(), 1);
    EXPECT_EQ(activation_take(&a), -1);
    EXPECT_EQ(fcntl(3, F_GETFD), -1);
    abort();
}

static void leave_what_is_for_others(void)
{
    struct address a;
    int fd = listen_anywhere(&a);
    be_given(&fd, 1, 1);
    EXPECT_EQ(activation_count(), 0);
    EXPECT_EQ(activation_take(&a), -1);
    EXPECT(!getenv("LISTEN_PID"));
    abort();
}

TEST(inherited_sockets_are_found_by_their_address_once)
{
    EXPECT_ABORT(take_what_is_ours());
}

TEST(sockets_meant_for_another_process_are_left_alone)
{
    EXPECT_ABORT(leave_what_is_for_others());
}

TEST(without_the_variables_there_are_none)
{
    EXPECT_EQ(activation_count(), 0);
    EXPECT_EQ(activation_close_rest(), 0);
}
