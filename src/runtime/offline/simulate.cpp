#include "runtime/offline/simulate.hpp"

#include "base/error.hpp"
#include "runtime/offline/simulation.hpp"

namespace headroom::runtime {

namespace {

/// A simulation of unknown tokens that ends early only after a signal.
class Forecast final : public Simulation {
  public:
    Forecast(
        const WorkloadDescription& workload, ControllerContext context, int (*interrupt_code)()
    )
        : Simulation(workload, std::move(context)), interrupt_code_(interrupt_code) {}
    [[nodiscard]] std::int32_t interrupted() const override {
        return interrupt_code_ == nullptr ? 0 : interrupt_code_();
    }

  private:
    int (*interrupt_code_)();
};

ControllerContext controller_context(
    const RunOptions& options, const WorkloadDescription& workload
) {
    ControllerContext context = context_of(options);
    context.attributes["execution"] = "simulated";
    context.attributes["clock"] = config::name_of(config::ClockMode::virtual_time);
    context.attributes["model"] = workload.name;
    return context;
}

} // namespace

RunOutcome simulate(const RunOptions& options, int (*interrupted)()) {
    try {
        const WorkloadDescription workload = describe_workload(*options.scenario);
        Forecast forecast(workload, controller_context(options, workload), interrupted);
        return forecast.run(serving_settings(*options.scenario, workload.prompts, nullptr));
    } catch (const Error& error) {
        RunOutcome outcome;
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
        outcome.fields = error.fields();
        return outcome;
    }
}

} // namespace headroom::runtime
