// Files that get their name when they are whole: nobody's link is written through, nothing is left.
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/new_file.hpp"

namespace headroom {
namespace {

namespace fs = std::filesystem;

class NewFiles : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "headroom-new-file-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path path(const char* name) const { return folder_ / name; }
    static void write(const fs::path& file, const std::string& text) {
        std::ofstream(file) << text;
    }
    static std::string read(const fs::path& file) {
        std::ifstream stream(file);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_), fs::directory_iterator())
        );
    }

  private:
    fs::path folder_;
};

TEST_F(NewFiles, have_their_name_when_they_are_published) {
    write(path("a"), "old");
    {
        NewFile file(path("a"), NewFile::Links::follow);
        write(file.path(), "new");
        EXPECT_EQ(read(path("a")), "old");
        file.publish();
    }
    EXPECT_EQ(read(path("a")), "new");
    EXPECT_EQ(files(), 1U);
}

TEST_F(NewFiles, that_are_given_up_leave_nothing) {
    { const NewFile file(path("a"), NewFile::Links::follow); }
    EXPECT_EQ(files(), 0U);
}

TEST_F(NewFiles, never_have_the_same_name_twice) {
    const NewFile one(path("a"), NewFile::Links::follow);
    const NewFile two(path("a"), NewFile::Links::follow);
    EXPECT_NE(one.path(), two.path());
}

TEST_F(NewFiles, follow_a_link_or_replace_it_as_told) {
    for (const auto links : {NewFile::Links::follow, NewFile::Links::replace}) {
        write(path("real"), "old");
        fs::create_symlink("real", path("link"));
        NewFile file(path("link"), links);
        write(file.path(), "new");
        file.publish();
        const bool followed = links == NewFile::Links::follow;
        EXPECT_EQ(fs::is_symlink(path("link")), followed);
        EXPECT_EQ(read(path("real")), followed ? "new" : "old");
        EXPECT_EQ(read(path("link")), "new");
        fs::remove(path("link"));
    }
}

TEST_F(NewFiles, that_somebody_removes_are_missed) {
    NewFile file(path("a"), NewFile::Links::follow);
    fs::remove(file.path());
    EXPECT_THROW(file.publish(), EnvironmentError);
}

TEST_F(NewFiles, need_a_folder) {
    EXPECT_THROW(NewFile(path("no/a"), NewFile::Links::follow), EnvironmentError);
}

TEST_F(NewFiles, end_where_a_chain_of_links_does) {
    fs::create_symlink("two", path("one"));
    fs::create_symlink(path("three"), path("two"));
    EXPECT_EQ(resolve_links(path("one")), path("three"));
    fs::create_symlink("round", path("round")); // and a circle ends, too
    EXPECT_EQ(resolve_links(path("round")), path("round"));
}

} // namespace
} // namespace headroom
