#include "runtime/offline/simulate.hpp"

#include "base/error.hpp"
#include "runtime/offline/simulation.hpp"

namespace headroom::runtime {

namespace {

/// Every sequence gets all its tokens, unless somebody interrupts.
class Forecast final : public Simulation {
  public:
    Forecast(const Outline& outline, Subject subject, int (*asked)())
        : Simulation(outline, std::move(subject)), asked_(asked) {}
    [[nodiscard]] std::int32_t interrupted() const override {
        return asked_ == nullptr ? 0 : asked_();
    }

  private:
    int (*asked_)();
};

Subject subject_of(const RunOptions& options, const Outline& outline) {
    Subject subject;
    subject.scenario = options.scenario;
    subject.policy = options.policy;
    subject.attributes = options.attributes;
    subject.attributes["execution"] = "simulated";
    subject.attributes["clock"] = config::name_of(config::ClockMode::virtual_time);
    subject.attributes["model"] = outline.name;
    subject.trace_ops = options.trace_ops;
    subject.stop = options.stop;
    subject.sink = options.sink;
    subject.observer = options.observer;
    return subject;
}

} // namespace

RunOutcome simulate(const RunOptions& options, int (*interrupted)()) {
    try {
        const Outline outline = outline_of(*options.scenario);
        Forecast forecast(outline, subject_of(options, outline), interrupted);
        return forecast.run(course_settings(*options.scenario, outline.prompts, nullptr));
    } catch (const Error& error) {
        RunOutcome outcome;
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
        return outcome;
    }
}

} // namespace headroom::runtime
