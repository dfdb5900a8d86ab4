extern "C" {
#include "bench/gbench.h"
}

#include <benchmark/benchmark.h>

#include <cmath>
#include <exception>
#include <new>
#include <vector>

namespace
{

/* Keeps the one run and prints nothing. */
class Collector : public benchmark::BenchmarkReporter
{
  public:
    bool ReportContext(const Context &) override
    {
        return true;
    }
    void ReportRuns(const std::vector<Run> &report) override
    {
        for (const Run &run : report)
            if (run.run_type == Run::RT_Iteration && !run.error_occurred)
                runs.push_back(run);
    }
    std::vector<Run> runs;
};

/* The library reads BENCHMARK_* when the process starts; flags given here overrule that. */
void forget_environment()
{
    static const char *const flags[] = {"gbench",
                                        "--benchmark_filter=all",
                                        "--benchmark_list_tests=false",
                                        "--benchmark_repetitions=1",
                                        "--benchmark_min_warmup_time=0",
                                        "--benchmark_enable_random_interleaving=false",
                                        "--benchmark_out=",
                                        "--benchmark_perf_counters=",
                                        "--v=0"};
    std::vector<char *> argv;
    for (const char *flag : flags)
        argv.push_back(const_cast<char *>(flag));
    int argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    benchmark::Initialize(&argc, argv.data());
}

/* Unregisters on every way out. */
struct Registration {
    ~Registration()
    {
        benchmark::ClearRegisteredBenchmarks();
    }
};

enum status time_it(const struct gbench *job, struct gbench_sample *sample, struct err *err)
{
    forget_environment();
    Registration registration;
    double items = 0; /* of the latest run, which in the end is the sample's */
    auto loop = [job, &items](benchmark::State &state) {
        double before = job->items ? *job->items : 0;
        while (state.KeepRunningBatch(state.max_iterations))
            job->run(job->context, static_cast<size_t>(state.max_iterations));
        items = job->items ? *job->items - before : 0;
    };
    auto *benchmark = benchmark::RegisterBenchmark("cell", loop)->UseRealTime()->Repetitions(1);
    if (job->iterations)
        benchmark->Iterations(static_cast<benchmark::IterationCount>(job->iterations));
    else
        benchmark->MinTime(job->min_time_s);
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector, "all");
    if (collector.runs.size() != 1 || collector.runs[0].iterations <= 0)
        return status_fail(err, E_INTERNAL, "Google Benchmark gave %zu samples instead of one",
                           collector.runs.size());
    sample->elapsed_ns = std::round(collector.runs[0].real_accumulated_time * 1e9);
    sample->iterations = static_cast<size_t>(collector.runs[0].iterations);
    sample->items = items;
    return OK;
}

} // namespace

enum status gbench_time(const struct gbench *job, struct gbench_sample *sample, struct err *err)
{
    if (!job->iterations && !(job->min_time_s > 0))
        return status_fail(err, E_USAGE, "nothing to time: no iterations and no minimum time");
    try {
        return time_it(job, sample, err);
    } catch (const std::bad_alloc &) {
        return status_fail(err, E_NOMEM, "Google Benchmark: out of memory");
    } catch (const std::exception &e) {
        return status_fail(err, E_INTERNAL, "Google Benchmark: %s", e.what());
    } catch (...) {
        return status_fail(err, E_INTERNAL, "Google Benchmark: unknown exception");
    }
}
