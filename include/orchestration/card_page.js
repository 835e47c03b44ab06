// Airflow keeps the chosen theme in its origin's storage; this page is of the same origin.
const follow = () => {
  const theme = localStorage.getItem("theme");
  document.documentElement.style.colorScheme = ["light", "dark"].includes(theme) ? theme : "";
};
follow();
addEventListener("storage", follow);
