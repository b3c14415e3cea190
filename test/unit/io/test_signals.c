#include "io/signals.h"

#include "recorder.h"
#include "support/test.h"

#include <signal.h>
#include <unistd.h>

static int seen[8];
static unsigned count;

static void on_signal(void *arg, int signo)
{
    EXPECT(arg == &count);
    if (count < 8)
        seen[count++] = signo;
}

TEST(signals_become_events_of_the_loop)
{
    static const int all[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    struct loop *l = loop_new();
    struct signals *s = signals_watch(l, on_signal, &count);
    EXPECT(s);
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        kill(getpid(), all[i]);
        EXPECT_EQ(count, i);
        TURN_UNTIL(l, count == i + 1);
        EXPECT_EQ(seen[i], all[i]);
    }
    signals_close(s);
    signals_close(NULL);
    loop_end(l);
}
