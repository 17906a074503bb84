#include "cli/terminal/job_environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "cli/terminal/interrupt.hpp"

namespace headroom::cli {

namespace {

/// A number that the launcher put into the environment, or `otherwise`.
int told_by_launcher(std::initializer_list<const char*> variables, int otherwise) {
    for (const char* const variable : variables) {
        if (const char* const text = std::getenv(variable)) {
            return std::atoi(text);
        }
    }
    return otherwise;
}

bool is_set(const char* variable) {
    return std::getenv(variable) != nullptr;
}

/// `srun --pty bash`: the shell is a rank alone in its step, and what is typed there inherits that.
bool is_in_a_shell_of_srun() {
    return is_set("SLURM_PTY_PORT") && told_by_launcher({"SLURM_STEP_NUM_TASKS"}, 0) == 1 &&
           !is_set("OMPI_COMM_WORLD_SIZE");
}

} // namespace

bool under_launcher() {
    return is_set("OMPI_COMM_WORLD_SIZE") || (is_set("PMIX_RANK") && !is_in_a_shell_of_srun());
}

int launched_copies() {
    return told_by_launcher({"OMPI_COMM_WORLD_SIZE"}, 1);
}

int copies_without_mpi() {
    return under_launcher() ? 1 : told_by_launcher({"SLURM_STEP_NUM_TASKS"}, 1);
}

int copies_of_another_mpi() {
    // MPICH, Intel MPI and their relatives; MVAPICH.
    return under_launcher() ? 1 : told_by_launcher({"PMI_SIZE", "MV2_COMM_WORLD_SIZE"}, 1);
}

std::string launcher_words(std::size_t ranks) {
    const bool by_mpirun = is_set("OMPI_COMM_WORLD_SIZE");
    return fmt::format("{} -n {}", by_mpirun ? "mpirun" : "srun --mpi=pmix", ranks);
}

bool is_rank_0() {
    return told_by_launcher({"OMPI_COMM_WORLD_RANK", "PMIX_RANK"}, 0) == 0;
}

int ranks_of_the_job() {
    return told_by_launcher({"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}, 1);
}

bool all_ranks_are_here() {
    if (const int here = told_by_launcher({"OMPI_COMM_WORLD_LOCAL_SIZE"}, 0); here > 0) {
        return here == ranks_of_the_job();
    }
    return told_by_launcher({"SLURM_STEP_NUM_NODES"}, 0) == 1;
}

bool rank_0_tells() {
    if (is_rank_0()) {
        return false;
    }
    const timespec patience{3, 0};
    return nanosleep(&patience, nullptr) != 0; // mpirun's signal: rank 0 has ended the job
}

void leave_the_job() {
    constexpr std::string_view kPrefixes[]{
        "OMPI_COMM_WORLD_",
        "OMPI_MCA_orte_",
        "OMPI_MCA_ess",
        "OMPI_MCA_pmix",
        "PMIX_",
        "PMI_",
        "OMPI_UNIVERSE_",
        "OMPI_FILE_LOCATION"};
    std::vector<std::string> gone{kSelfStarted};
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string name(*entry, std::strcspn(*entry, "="));
        if (std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](std::string_view prefix) {
                return name.starts_with(prefix);
            })) {
            gone.push_back(name);
        }
    }
    for (const std::string& name : gone) {
        unsetenv(name.c_str());
    }
}

} // namespace headroom::cli
