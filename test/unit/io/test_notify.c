#include "io/notify.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The service manager's end, under an abstract name. */
static int manager;

static void begin(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char name[64];
    snprintf(name, sizeof(name), "@test_notify_%d", getpid());
    memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT_EQ(bind(manager, (struct sockaddr *)&a,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
              0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static str heard(void)
{
    static char text[256];
    ssize_t n = recv(manager, text, sizeof(text), 0);
    return str_make(text, n < 0 ? 0 : (size_t)n);
}

TEST(service_manager_hears_of_each_phase)
{
    begin();
    notify_ready();
    EXPECT_CONTAINS(heard(), "READY=1\n");
    notify_reloading();
    str text = heard();
    EXPECT_CONTAINS(text, "RELOADING=1\n");
    EXPECT_CONTAINS(text, "MONOTONIC_USEC=");
    notify_stopping();
    EXPECT_CONTAINS(heard(), "STOPPING=1\n");
    notify_alive();
    EXPECT_CONTAINS(heard(), "WATCHDOG=1\n");
    close(manager);
    notify_ready(); /* nobody there */
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
}

TEST(watchdog_is_fed_twice_as_often_as_asked_and_only_if_meant_for_us)
{
    char pid[16];
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    EXPECT_EQ(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "10000000", 1);
    EXPECT_EQ(notify_watchdog_ms(), 5000);
    setenv("WATCHDOG_PID", "1", 1);
    EXPECT_EQ(notify_watchdog_ms(), 0);
    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    EXPECT_EQ(notify_watchdog_ms(), 5000);
    setenv("WATCHDOG_USEC", "soon", 1);
    EXPECT_EQ(notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}
