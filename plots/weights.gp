# Blocks, one a panel: the middle of a bin of x/rms, its density, its width.
unset key
set border 3
set multiplot
normal(x) = exp(-x*x/2) / sqrt(2*pi)
laplace(x, b) = exp(-abs(x)/b) / (2*b)
student(x, df, s) = exp(lgamma((df+1)/2.0) - lgamma(df/2.0)) / sqrt(pi*df) / s * (1 + (x/s)**2/df)**(-(df+1)/2.0)
set logscale y
set format y '%g'
set samples 400
set style fill solid 1 noborder
do for [i=1:panels] {
    if (i == 2) { unset label; unset arrow }
    set lmargin at screen panel_left[i]
    set rmargin at screen panel_right[i]
    set tmargin at screen panel_top[i]
    set bmargin at screen panel_bottom[i]
    set xrange [-panel_x[i]:panel_x[i]]
    set yrange [y_low:y_high]
    plot data index i-1 using 1:2:3 with boxes lc rgb '#cfcfcf', \
         normal(x) with lines lw 1.4 dt 2 lc rgb '#0072b2', \
         laplace(x, panel_laplace[i]) with lines lw 1.4 dt 4 lc rgb '#d55e00', \
         (panel_df[i] > 0 ? student(x, panel_df[i], panel_t[i]) : 1/0) with lines lw 1.6 dt 1 lc rgb '#009e73'
}
unset multiplot
unset output
