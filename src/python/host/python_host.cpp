// A plug-in (policy_plugin.hpp) that embeds Python, for policies in Python files. Only this library
// links Python, so the program needs none. Its argument is FILE.py:FUNCTION.
#include <algorithm>
#include <atomic>
#include <dlfcn.h>
#include <filesystem>
#include <headroom/policy_plugin.hpp>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/embed.h>

#include "python/python_policy.hpp"

namespace headroom::python {
namespace {

constexpr const char* kDefaultFunction = "decide";

/// Returns the folder of this library, beside which the module `headroom` is installed.
std::filesystem::path own_folder() {
    Dl_info found{};
    if (dladdr(reinterpret_cast<const void*>(&own_folder), &found) == 0) {
        throw std::runtime_error("the folder of the Python plug-in is unknown");
    }
    return std::filesystem::absolute(found.dli_fname).parent_path();
}

void check(const PyStatus& status) {
    if (PyStatus_Exception(status) != 0) {
        throw std::runtime_error(
            fmt::format("Python cannot start: {}", status.err_msg != nullptr ? status.err_msg : "")
        );
    }
}

/// Starts Python so that equal runs are equal: hashes of strings are not random. Signals stay with
/// the program.
void start_python() {
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    try {
        check(Py_InitializeFromConfig(&config));
    } catch (...) {
        PyConfig_Clear(&config);
        throw;
    }
    PyConfig_Clear(&config);
}

/// Throws if the module `headroom` that was imported is another file of that name.
void check_module(const py::module_& module) {
    if (!py::hasattr(module, "_headroom")) {
        throw std::runtime_error(fmt::format(
            "{} hides the module headroom, expected no file of that name beside a policy; give it "
            "another name",
            py::str(py::getattr(module, "__file__", py::none())).cast<std::string>()
        ));
    }
}

/// Imports the file as a module of its own name, with its folder first on the path.
py::object import_file(const std::filesystem::path& file) {
    const py::object path = py::module_::import("sys").attr("path");
    path.attr("insert")(0, (own_folder() / "python").string());
    path.attr("insert")(0, std::filesystem::absolute(file).parent_path().string());
    check_module(py::module_::import("headroom")); // tells Python the type of a problem
    const py::module_ util = py::module_::import("importlib.util");
    const std::string name = file.stem().string();
    const py::object spec =
        util.attr("spec_from_file_location")(name, std::filesystem::absolute(file).string());
    const py::object module = util.attr("module_from_spec")(spec);
    py::module_::import("sys").attr("modules")[py::str(name)] = module;
    spec.attr("loader").attr("exec_module")(module);
    return module;
}

/// While an object of this class exists, a crash prints where Python was, before the program says
/// which policy crashed.
class CrashTraceback {
  public:
    CrashTraceback() { call("enable"); }
    ~CrashTraceback() {
        try {
            call("disable");
        } catch (const py::error_already_set&) { // it stays enabled, which does no harm
        }
    }
    CrashTraceback(const CrashTraceback&) = delete;
    CrashTraceback& operator=(const CrashTraceback&) = delete;

  private:
    static void call(const char* function) {
        const py::gil_scoped_acquire lock;
        py::module_::import("faulthandler").attr(function)();
    }
};

class PythonPlugin final : public PolicyPlugin {
  public:
    /// The interpreter has been started. The caller holds its lock.
    PythonPlugin(std::filesystem::path file, std::string function)
        : file_(std::move(file)), function_(std::move(function)) {
        // What a policy prints must not mix with results on standard output.
        const py::module_ sys = py::module_::import("sys");
        sys.attr("stdout") = sys.attr("stderr");
        const py::object module = import_file(file_);
        if (!py::hasattr(module, function_.c_str())) {
            throw std::runtime_error(fmt::format(
                "{} has no function {}; give {}:FUNCTION", file_.string(), function_, file_.string()
            ));
        }
        const py::object callable = module.attr(function_.c_str());
        if (PyCallable_Check(callable.ptr()) == 0) {
            throw std::runtime_error(fmt::format(
                "{} in {} is no function that takes a problem and returns the device of each block",
                function_,
                file_.string()
            ));
        }
        place_ = place_function(callable);
        note_files();
    }

    [[nodiscard]] std::string name() const override {
        std::string stem = file_.stem().string();
        std::ranges::replace(stem, ' ', '_');
        return function_ == kDefaultFunction ? stem : stem + "." + function_;
    }
    [[nodiscard]] scheduler::Placement place(const scheduler::Problem& problem) override {
        thread_ = PyThread_get_thread_ident();
        const CrashTraceback crash;
        return place_(problem);
    }
    [[nodiscard]] std::string where() override {
        const py::gil_scoped_acquire lock;
        const py::object frames = py::module_::import("sys").attr("_current_frames")();
        const py::object frame = frames.attr("get")(thread_.load());
        if (frame.is_none()) {
            return "";
        }
        const py::object lines = py::module_::import("traceback").attr("format_stack")(frame);
        return "Traceback (most recent call last):\n" +
               py::str("").attr("join")(lines).cast<std::string>();
    }
    [[nodiscard]] std::vector<std::string> files() const override { return files_; }

  private:
    /// Notes the file, and those beside it and below its folder that it has imported.
    void note_files() {
        std::error_code unknown;
        const std::filesystem::path folder = std::filesystem::canonical(file_).parent_path();
        std::set<std::string> imported;
        for (const py::handle module :
             py::module_::import("sys").attr("modules").attr("values")()) {
            const py::object path = py::getattr(module, "__file__", py::none());
            if (!py::isinstance<py::str>(path)) {
                continue;
            }
            const auto whole = std::filesystem::canonical(path.cast<std::string>(), unknown);
            const std::filesystem::path inside = whole.lexically_relative(folder);
            if (!unknown && !inside.empty() && *inside.begin() != "..") {
                imported.insert(whole.string());
            }
        }
        imported.erase(std::filesystem::canonical(file_).string());
        files_.push_back(file_.string());
        files_.insert(files_.end(), imported.begin(), imported.end());
    }

    std::filesystem::path file_;
    std::string function_;
    std::atomic<unsigned long> thread_ = 0; ///< Python's number of the thread that decides
    scheduler::CustomPolicy::Place place_;
    std::vector<std::string> files_;
};

/// Returns the plug-in for FILE.py:FUNCTION, or for FILE.py: with the default function.
std::unique_ptr<PolicyPlugin> open(const std::string& argument) {
    const std::size_t colon = argument.rfind(':');
    const std::string function = argument.substr(colon + 1);
    if (Py_IsInitialized() == 0) {
        start_python();
        PyEval_SaveThread(); // decisions may be made on another thread
    }
    const py::gil_scoped_acquire lock;
    try {
        return std::make_unique<PythonPlugin>(
            argument.substr(0, colon), function.empty() ? kDefaultFunction : function
        );
    } catch (const py::error_already_set& error) {
        throw std::runtime_error(
            fmt::format("{} cannot be imported\n{}", argument.substr(0, colon), traceback_of(error))
        );
    }
}

} // namespace
} // namespace headroom::python

const char* headroom_plugin_abi() {
    static const std::string abi = headroom::plugin_abi();
    return abi.c_str();
}

headroom::PolicyPlugin* headroom_plugin_open(const char* argument) {
    return headroom::python::open(argument).release();
}
